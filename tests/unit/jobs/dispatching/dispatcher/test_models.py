from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.dispatching.dispatcher.models import Lane, Leases, Ring


def lane(tenant: str) -> Lane:
    return ("default", "sandbox", tenant)


def in_round(ring: Ring, lanes: dict[Lane, int]) -> list[Lane]:
    """Return `lanes` as the repository gives them: from the one after the ring's position."""
    after = ring.position("default", "sandbox")
    return sorted(lanes, key=lambda one: (one[2] <= after, one[2]))


def test_shares_go_on_where_the_last_round_ended() -> None:
    lanes = {lane("a"): 1, lane("b"): 1, lane("c"): 1}
    ring, served = Ring(), []
    for _ in range(6):
        given_, ring = ring.shares(in_round(ring, lanes), lanes, 1)
        served += [one[2] for one, _ in given_]

    assert served == ["a", "b", "c", "a", "b", "c"]


def test_shares_follow_the_weights() -> None:
    lanes = {lane("a"): 3, lane("b"): 1}
    ring, served = Ring(), Counter[str]()
    for _ in range(40):
        given_, ring = ring.shares(in_round(ring, lanes), lanes, 1)
        served.update(one[2] for one, share in given_ for _ in range(share))

    assert served == {"a": 30, "b": 10}


@given(
    weights=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    capacities=st.lists(st.integers(1, 7), min_size=1, max_size=60),
)
def test_shares_give_each_lane_its_part_within_one_round(
    weights: list[int], capacities: list[int]
) -> None:
    lanes = {lane(chr(97 + number)): weight for number, weight in enumerate(weights)}
    ring, served = Ring(), Counter[Lane]()
    for capacity in capacities:
        shares, ring = ring.shares(in_round(ring, lanes), lanes, capacity)
        assert sum(share for _, share in shares) <= capacity
        for one, share in shares:
            served[one] += share

    rounds = [served[one] / weight for one, weight in lanes.items()]
    assert max(rounds) - min(rounds) <= 1


def test_expired_gives_everybody_a_full_lease_after_the_first_look() -> None:
    leases = Leases()
    beats = {"one": (1, 5)}

    assert leases.expired(beats, now=1_000.0, lease_seconds=30) == []
    assert leases.expired(beats, now=1_029.0, lease_seconds=30) == []
    assert leases.expired(beats, now=1_031.0, lease_seconds=30) == ["one"]


def test_expired_starts_anew_with_each_beat_and_registration() -> None:
    leases = Leases()
    leases.expired({"one": (1, 5)}, now=0, lease_seconds=30)
    leases.expired({"one": (1, 6)}, now=29, lease_seconds=30)

    assert leases.expired({"one": (1, 6)}, now=58, lease_seconds=30) == []
    assert leases.expired({"one": (2, 0)}, now=60, lease_seconds=30) == []


def test_forget_gives_everybody_a_full_lease() -> None:
    leases = Leases()
    leases.expired({"one": (1, 5)}, now=0, lease_seconds=30)
    leases.forget()

    assert leases.expired({"one": (1, 5)}, now=100, lease_seconds=30) == []
