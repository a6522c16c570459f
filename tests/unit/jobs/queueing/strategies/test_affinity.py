from __future__ import annotations

from collections import Counter

import pytest

from tidemill.jobs.queueing.strategies.affinity import owner

KEYS = [f"key-{number}" for number in range(3000)]


def test_owner_spreads_keys_by_slots() -> None:
    workers = {"small": 2, "large": 6}

    counts = Counter(owner(key, workers) for key in KEYS)

    assert counts["large"] / len(KEYS) == pytest.approx(0.75, abs=0.03)


def test_owner_moves_only_the_share_of_a_worker_that_comes() -> None:
    workers = {"a": 4, "b": 4, "c": 4}
    before = {key: owner(key, workers) for key in KEYS}

    after = {key: owner(key, {**workers, "d": 4}) for key in KEYS}

    moved = {key for key in KEYS if before[key] != after[key]}
    assert {after[key] for key in moved} == {"d"}
    assert len(moved) / len(KEYS) == pytest.approx(0.25, abs=0.03)


def test_owner_of_nobody_is_none() -> None:
    assert owner("key", {}) is None
