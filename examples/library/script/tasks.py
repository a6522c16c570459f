"""What this program does beside its main work."""

from __future__ import annotations

import tidemill


@tidemill.job(attempts=3)
def count_words(text: str) -> dict[str, int]:
    words = text.lower().split()
    print(len(words), "words")
    return {word: words.count(word) for word in sorted(set(words))}
