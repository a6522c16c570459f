from __future__ import annotations

import msgspec
from msgspec import structs

from tests.fixtures.actors import a_person
from tidemill.core.actor import Actor
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.events.live.visibility import LateVisibility, MembersSeeTheirTenant

TENANT = TenantId("harbour")


def test_updates_of_an_inbox_are_seen_by_its_owner_alone_whatever_the_rule() -> None:
    ada, bo = a_person(TENANT), a_person(TENANT)
    mine = Ephemeral(
        tenant_id=TENANT,
        topics=(Topic(f"inbox:{ada.user_id}"),),
        type="InboxChanged",
        data=msgspec.Raw(b"{}"),
    )
    job = structs.replace(mine, topics=(Topic("job:1"),))

    for rule in (LateVisibility(lambda: None), LateVisibility(MembersSeeTheirTenant)):
        assert [rule.sees_update(one, mine) for one in (ada, bo)] == [True, False]
        assert [rule.sees_update(one, job) for one in (ada, bo)] == [True, True]


class _Nothing(MembersSeeTheirTenant):
    def sees_update(self, actor: Actor, update: Ephemeral) -> bool:
        return False


def test_updates_are_seen_where_all_rules_agree() -> None:
    ada = a_person(TENANT)
    job = Ephemeral(
        tenant_id=TENANT, topics=(Topic("job:1"),), type="JobStateChanged", data=msgspec.Raw(b"{}")
    )

    both = LateVisibility(MembersSeeTheirTenant, MembersSeeTheirTenant)

    assert both.sees_update(ada, job)
    for rules in ((_Nothing, MembersSeeTheirTenant), (MembersSeeTheirTenant, _Nothing)):
        assert not LateVisibility(*rules).sees_update(ada, job)
