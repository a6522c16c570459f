"""A tiny client of Tidemill's own API for setting up a measurement."""

from __future__ import annotations

import json
import urllib.request
from typing import Any


class Api:
    """Calls the API with one token."""

    def __init__(self, base: str, token: str = "") -> None:
        self.base = base
        self.token = token

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the decoded answer; raises `urllib.error.HTTPError` for a refusal."""
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.base + path, data=data, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def log_in(self, email: str, password: str, tenant_id: str | None = None) -> dict[str, Any]:
        """Take an access token."""
        body = {"email": email, "password": password}
        if tenant_id:
            body["tenant_id"] = tenant_id
        answer: dict[str, Any] = self.call("POST", "/api/v1/auth/login", body)
        self.token = answer["access_token"]
        return answer
