"""The tables of the shop, and that in which jobs wait for the worker."""

from __future__ import annotations

from django.db import migrations, models

import tidemill


def make_outbox(_: object, schema_editor: object) -> None:
    tidemill.create_outbox(schema_editor.connection)  # type: ignore[attr-defined]


class Migration(migrations.Migration):
    initial = True
    operations = (
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("item", models.CharField(max_length=100)),
                ("confirmed", models.BooleanField(default=False)),
            ],
        ),
        migrations.RunPython(make_outbox, migrations.RunPython.noop),
    )
