"""Jobs of the shop. The worker imports this module, so it makes Django ready first."""

from __future__ import annotations

import os

import django
from django.apps import apps

import tidemill

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
if not apps.ready:
    django.setup()

queue = tidemill.Tidemill("sqlite:///jobs.db", outboxes=["shop.db"])


@tidemill.job(attempts=5)
def confirm(order_id: int) -> str:
    from shop.models import Order  # noqa: PLC0415 - models need Django to be ready

    order = Order.objects.get(id=order_id)
    order.confirmed = True
    order.save()
    return f"{order.item} is confirmed"
