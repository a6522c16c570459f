"""What the random kills of one run follow from."""

from __future__ import annotations

import os
import random
from typing import Final

SEED: Final = int(os.environ.get("TIDEMILL_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
story_seconds: Final = 2.5
"""About how long the story takes when nobody is killed."""
