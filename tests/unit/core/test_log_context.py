from __future__ import annotations

import pytest

from tidemill.core.log_context import trace_fields

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_trace_fields_are_the_ids_of_a_traceparent() -> None:
    assert trace_fields(f"00-{TRACE}-{SPAN}-01") == {"trace_id": TRACE, "span_id": SPAN}


@pytest.mark.parametrize("traceparent", [None, "", "00", f"00-{TRACE}", f"00-{TRACE}-{SPAN}"])
def test_trace_fields_are_none_of_what_is_no_traceparent(traceparent: str | None) -> None:
    assert trace_fields(traceparent) == {}
