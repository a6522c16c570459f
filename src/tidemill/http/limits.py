"""What a caller hears when it asks too often."""

from __future__ import annotations

import math

from tidemill.core.errors import RateLimited


class TooManyRequests(RateLimited):
    """The caller's bucket is empty."""

    code = "TOO_MANY_REQUESTS"

    def __init__(self, retry_after_seconds: float) -> None:
        seconds = max(1, math.ceil(retry_after_seconds))
        super().__init__(
            f"Too many requests; try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )
