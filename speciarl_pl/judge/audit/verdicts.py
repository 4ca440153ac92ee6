"""Having a judge answer many pairs while a human watches."""

from collections.abc import Sequence
from typing import Final, TextIO

from speciarl_pl.answer import answer_key, is_refusal
from speciarl_pl.category import Category
from speciarl_pl.judge.base import Judge, each_or_unjudged
from speciarl_pl.records import Judgement, Pair, Verdict

BATCH: Final = 256
"""Pairs a judge is asked about at once."""


class Progress:
    """One line that says how far the judging is, on a terminal only.

    Args:
        stream: Where to write, or None to be silent.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None and stream.isatty() else None

    def show(self, what: str, done: int, total: int) -> None:
        """Write the line over the one before."""
        if self._stream is not None:
            self._stream.write(f"\r\x1b[K{what}: {done:,} of {total:,} pairs")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._stream is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def judge_all(
    judge: Judge, pairs: Sequence[Pair], what: str = "judging", progress: Progress | None = None
) -> list[Judgement]:
    """Judge `pairs` in batches, each text once.

    Unlike `judge_pairs` it asks again for another case or other blanks, which are what a judge may
    stumble over. If the service of the judge fails, what it has not answered of the batch is
    unjudged, and the next batch is asked.

    Args:
        judge: An opened judge.
        pairs: Truths and predictions.
        what: Name of the work, for the progress line.
        progress: Where to show it.

    Returns:
        One judgement per pair, in order.

    Raises:
        JudgeError: If the judge does not answer for every place exactly once.
    """
    progress = progress or Progress()
    distinct = list(dict.fromkeys(pairs))
    judged: dict[Pair, Judgement] = {}
    for start in range(0, len(distinct), BATCH):
        batch = distinct[start : start + BATCH]
        progress.show(what, start, len(distinct))
        judged |= {batch[place]: one for place, one in each_or_unjudged(judge, batch)}
    progress.clear()
    return [judged[pair] for pair in pairs]


def categories(judgements: Sequence[Judgement]) -> list[Category | None]:
    """The level of each verdict; None where there is none."""
    return [
        judgement.category if isinstance(judgement, Verdict) else None for judgement in judgements
    ]


def why_left_out(pair: Pair, category: Category | None) -> str | None:
    """Why a pair is neither swapped nor reworded; None if it can be.

    Args:
        pair: The pair as it was asked.
        category: What the judge said; None if it is unjudged.

    Returns:
        `unjudged`: there is nothing to compare with. `refusal`: to the judge or by our own rules;
        a refusal names nothing that could be a truth or be put in other words. `blank`: no text.

    Example:
        >>> why_left_out(Pair("Samoyed", "I don't know"), Category.WRONG)
        'refusal'
        >>> why_left_out(Pair("Samoyed", "dog"), Category.GENERIC) is None
        True
    """
    if category is None:
        return "unjudged"
    if not answer_key(pair.prediction):
        return "blank"
    if category is Category.ABSTAIN or is_refusal(pair.prediction):
        return "refusal"
    return None
