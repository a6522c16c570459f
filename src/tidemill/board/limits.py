"""How much fits into one thing of the board; the configuration may set other figures."""

from __future__ import annotations

from msgspec import Struct


class BoardLimits(Struct, frozen=True, kw_only=True):
    """Limits, with their units last."""

    title_chars_max: int = 200
    description_chars_max: int = 10_000
    comment_chars_max: int = 5_000
    project_name_chars_max: int = 100
    label_name_chars_max: int = 50
    label_description_chars_max: int = 500
    labels_per_item_max: int = 50
    custom_fields_max: int = 100
    import_rows_max: int = 10_000
    import_bytes_max: int = 16 * 1024 * 1024
    job_result_bytes_max: int = 2_000
    time_description_chars_max: int = 2_000
    dependencies_per_item_max: int = 200
    attachment_bytes_max: int = 32 * 1024 * 1024
    attachments_per_item_max: int = 500
    project_archive_bytes_max: int = 2 * 1024 * 1024 * 1024
