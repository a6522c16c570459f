"""Enqueues jobs and waits for their results, without an event loop."""

from __future__ import annotations

from tasks import count_words

TEXTS = ("the tide comes", "the tide goes and the mill turns")


def main() -> None:
    jobs = count_words.enqueue_many_sync([(text,) for text in TEXTS])
    for text, job in zip(TEXTS, jobs, strict=True):
        print(f"{text}: {job.result_sync(timeout=60)}")


if __name__ == "__main__":
    main()
