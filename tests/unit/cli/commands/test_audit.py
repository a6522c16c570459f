from __future__ import annotations

from tidemill.cli.commands.audit import who

ADA = "01a1fe40-a274-727f-be8b-b0feb3f318f4"


def test_who_names_users_and_on_whose_behalf_others_act() -> None:
    names = {ADA: "ada@example.org"}

    user = who({"actor": {"kind": "user", "id": ADA, "on_behalf_of": None}}, names)
    system = who({"actor": {"kind": "system", "id": "automation", "on_behalf_of": ADA}}, names)

    assert (user, system) == ("ada@example.org", "system:automation for ada@example.org")


def test_who_keeps_the_id_of_someone_who_left() -> None:
    assert who({"actor": {"kind": "user", "id": ADA}}, {}) == f"user:{ADA}"
