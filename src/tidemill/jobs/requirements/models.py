"""What jobs need of a worker, and what its machine has to offer; no I/O."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final, Self

import msgspec
from msgspec import Struct

from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limits.forms import check_forms

LABEL: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
AFFINITY_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
labels_max: Final = 20
cpu_max: Final = 4096.0
memory_mib_max: Final = 64 * 1024 * 1024


class Requires(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a job needs of its worker for itself, and the labels that the worker must have.

    `options` and an enqueue raise what `checked` does.

    >>> await app.set_strategy("video", workers="resource_aware")
    >>> video = charge.options(tag="video", requires=tidemill.Requires(cpu=2, memory_mib=512))
    """

    cpu: float = 0.0
    memory_mib: int = 0
    labels: tuple[str, ...] = ()

    def checked(self) -> Self:
        """Return these; raises `InvalidJobField` for the first one that cannot hold.

        >>> tidemill.Requires(cpu=2).checked().cpu
        2
        >>> tidemill.Requires(cpu=-1).checked()
        Traceback (most recent call last):
        tidemill.jobs.errors.InvalidJobField: requires.cpu must be a number of cores up to 4096.
        >>> tidemill.Requires(labels="gpu").checked()
        Traceback (most recent call last):
        tidemill.jobs.errors.InvalidJobField: requires.labels must be a tuple of texts, not 'gpu'.
        """
        # What a program makes by hand has had nobody who looks at types.
        check_forms(self, where="requires")
        if not (math.isfinite(self.cpu) and 0 <= self.cpu <= cpu_max):
            raise InvalidJobField("requires.cpu", f"a number of cores up to {cpu_max:.0f}")
        if not 0 <= self.memory_mib <= memory_mib_max:
            raise InvalidJobField("requires.memory_mib", f"between 0 and {memory_mib_max}")
        if len(self.labels) > labels_max or not all(map(LABEL.fullmatch, self.labels)):
            raise InvalidJobField(
                "requires.labels",
                f"up to {labels_max} names of 1 to 63 characters of a-z, 0-9, '_', '.' and '-'",
            )
        return self

    @property
    def told(self) -> str:
        """Return these in words.

        >>> tidemill.Requires(cpu=2, memory_mib=512, labels=("gpu",)).told
        '2 cpu, 512 MiB, the label gpu'
        """
        parts = [f"{self.cpu:g} cpu"] if self.cpu else []
        parts += [f"{self.memory_mib} MiB"] if self.memory_mib else []
        parts += [f"the label {label}" for label in self.labels]
        return ", ".join(parts)


NOTHING: Final = Requires()


class Machine(Struct, frozen=True, kw_only=True):
    """What a worker offers to its jobs; None is what it did not say, and then has no bound."""

    cpu: float | None = None
    memory_mib: int | None = None
    labels: frozenset[str] = frozenset()

    def could_run(self, wanted: Requires) -> bool:
        """Return whether `wanted` fits when nothing else runs."""
        return (
            (self.cpu is None or wanted.cpu <= self.cpu)
            and (self.memory_mib is None or wanted.memory_mib <= self.memory_mib)
            and self.labels.issuperset(wanted.labels)
        )


def as_json(wanted: Requires | None) -> str | None:
    """Return what a job asks for as it is stored; None when that is nothing."""
    if wanted is None or wanted == NOTHING:
        return None
    return msgspec.json.encode(wanted).decode()


@lru_cache(maxsize=4096)
def requires_of(stored: str | None) -> Requires:
    """Return what a job asks for."""
    return NOTHING if stored is None else msgspec.json.decode(stored, type=Requires)


def check_requirements(wanted: Requires | None, affinity_key: str | None) -> None:
    """Raise `InvalidJobField` for the first thing that no worker could be asked for."""
    if wanted is not None:
        wanted.checked()
    if affinity_key is not None and not AFFINITY_KEY.fullmatch(affinity_key):
        raise InvalidJobField("affinity_key", "1 to 200 visible ASCII characters without spaces")
