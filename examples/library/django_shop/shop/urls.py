"""Two views: order something, and see what became of it."""

from __future__ import annotations

from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop.models import Order
from shop.tasks import confirm


@csrf_exempt
@require_POST
def orders(request: HttpRequest) -> JsonResponse:
    with transaction.atomic():
        order = Order.objects.create(item=request.POST["item"])
        job = confirm.enqueue_in_sync(connection, order.id)
    return JsonResponse({"number": order.id, "job": job.id}, status=201)


def result(_: HttpRequest, job_id: str) -> JsonResponse:
    try:
        return JsonResponse({"result": confirm.handle(job_id).result_sync(timeout=30)})
    except TimeoutError as waiting:
        return JsonResponse({"waiting": str(waiting)}, status=202)


urlpatterns = [path("orders/", orders), path("jobs/<job_id>/", result)]
