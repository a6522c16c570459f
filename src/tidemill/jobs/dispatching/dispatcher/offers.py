"""What a worker may say of itself: it comes from another machine, maybe from other code."""

from __future__ import annotations

import math
import re
from typing import Final

from tidemill.jobs.protocol.messages import Hello
from tidemill.jobs.queueing.strategies.models import TAG
from tidemill.jobs.requirements.models import LABEL, cpu_max, labels_max, memory_mib_max

tags_max: Final = 100
PROCESS: Final = re.compile(r"[a-z0-9-]{0,64}")


def wrong_with(hello: Hello) -> str | None:
    """Return what cannot hold of the tags and the machine that a worker offers, or None."""
    if not 0 < len(hello.tags) <= tags_max or not all(map(TAG.fullmatch, hello.tags)):
        return f"A worker takes 1 to {tags_max} tags of a-z, 0-9, '_', '.' and '-'."
    if not PROCESS.fullmatch(hello.process):
        return "A worker names its process with up to 64 characters of a-z, 0-9 and '-'."
    if len(hello.labels) > labels_max or not all(map(LABEL.fullmatch, hello.labels)):
        return f"A worker has up to {labels_max} labels of a-z, 0-9, '_', '.' and '-'."
    cpu, memory = hello.cpu, hello.memory_mib
    if cpu is not None and not (math.isfinite(cpu) and 0 <= cpu <= cpu_max):
        return f"A worker offers up to {cpu_max:.0f} cpu."
    if memory is not None and not 0 <= memory <= memory_mib_max:
        return f"A worker offers up to {memory_mib_max} MiB."
    return None
