"""A function asks the HTTP API, with a token of its job that it gets when it asks first."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from tidemill.jobs.code.functions.api import ChildEnd, Refused
from tidemill.jobs.execution.worker.redaction import Redaction
from tidemill.jobs.protocol.messages import Assignment, Held

answer_seconds_max: Final = 90.0
_failed_from: Final = 400


class NoRights(RuntimeError):
    """The job acts for nobody, so that the API would refuse it."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"Job {job_id} has no token: no person has started it, so it has no rights on the API. "
            "Start it by the API, or by a schedule that a person has saved."
        )


class HttpJobApi:
    """Fills `JobApi` over HTTP."""

    def __init__(
        self,
        api_url: str,
        assignment: Assignment,
        token_of: Callable[[Held], Awaitable[str]],
        *,
        redaction: Redaction,
        ca_file: str = "",
    ) -> None:
        self._redaction = redaction
        self._ca_file = ca_file
        self._url = urlsplit(api_url)
        self._assignment = assignment
        self._token_of = token_of
        self._token = ""
        self._asking = asyncio.Lock()

    async def put_progress(self, percent: float, text: str) -> None:
        """See `JobApi.put_progress`."""
        said = {"percent": percent, "text": self._redaction.text(text)}
        await self._ask("PUT", f"{self._own}/progress", said)

    async def put_metrics(self, values: Mapping[str, float]) -> None:
        """See `JobApi.put_metrics`."""
        shown = {self._redaction.text(name): value for name, value in values.items()}
        await self._ask("PUT", f"{self._own}/metrics", {"values": shown})

    async def get_state(self, name: str) -> Any:
        """See `JobApi.get_state`."""
        return (await self._ask("GET", f"/function-states?name={quote(name, safe='')}"))["value"]

    async def put_state(self, name: str, value: Any) -> None:
        """See `JobApi.put_state`."""
        await self._ask("PUT", f"/function-states?name={quote(name, safe='')}", {"value": value})

    async def get_variable(self, path: str) -> str:
        """See `JobApi.get_variable`."""
        value: str = await self._value_of("variables", path)
        return value

    async def get_resource(self, path: str) -> Any:
        """See `JobApi.get_resource`."""
        return await self._value_of("resources", path)

    async def start_job(self, fields: Mapping[str, Any]) -> str:
        """See `JobApi.start_job`."""
        started: str = (await self._ask("POST", "/jobs", dict(fields)))["id"]
        return started

    async def child(self, job_id: str, seconds: float) -> ChildEnd:
        """See `JobApi.child`."""
        said = await self._ask("GET", f"/jobs/{quote(job_id, safe='')}/result?wait={seconds:g}")
        return msgspec.convert(said, ChildEnd)

    @property
    def _own(self) -> str:
        return f"/jobs/{self._assignment.job_id}"

    async def _value_of(self, things: str, path: str) -> Any:
        said = await self._ask("GET", f"/{things}/value?path={quote(path, safe='')}")
        # Before the function has it, so that it can print nothing of it.
        self._redaction.hide(said["secrets"])
        return said["value"]

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        async with self._asking:
            if not self._token:
                job = self._assignment
                self._token = await self._token_of(Held(job.job_id, job.epoch))
                if not self._token:
                    raise NoRights(job.job_id)
        text = None if body is None else msgspec.json.encode(body)
        status, said = await asyncio.to_thread(self._exchange, method, path, text)
        answer = msgspec.json.decode(said) if said else None
        if status >= _failed_from:
            error = (answer or {}).get("error", {})
            raise Refused(status, error.get("code", ""), error.get("message", ""))
        return answer

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        host, port = self._url.hostname or "", self._url.port
        connection: http.client.HTTPConnection
        if self._url.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca_file or None)
            connection = http.client.HTTPSConnection(
                host, port, timeout=answer_seconds_max, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=answer_seconds_max)
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        if self._assignment.traceparent is not None:
            headers["traceparent"] = self._assignment.traceparent
        try:
            connection.request(method, f"/api/v1{path}", body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
