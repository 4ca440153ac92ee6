"""An outage of a judge becomes unjudged pairs, and a broken judge an error."""

from collections.abc import Iterator, Sequence

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.base import Judge, JudgeUnavailableError
from speciarl_pl.records import Judgement, Pair, Unjudged


def each_or_unjudged(judge: Judge, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
    """As `judge.judge_each`, but pairs that an outage left without a judgement are unjudged.

    A bug in a judge is not caught.

    Yields:
        Place of a pair in `pairs`, and its judgement; every place once, in any order.

    Raises:
        JudgeError: If the judge gives a place twice, one that is none, or leaves one out.
    """
    left = dict.fromkeys(range(len(pairs)))
    try:
        for place, judgement in judge.judge_each(pairs) if pairs else ():
            if place not in left:
                raise JudgeError(f"{type(judge).__name__}: unexpected judgement of pair {place}")
            del left[place]
            yield place, judgement
    except (OSError, JudgeUnavailableError) as error:
        reason = f"{type(judge).__name__}: {type(error).__name__}: {error}"
        yield from dict.fromkeys(left, Unjudged(reason, transient=True)).items()
        return
    if left:
        raise JudgeError(
            f"{type(judge).__name__}: expected one judgement for each of {len(pairs)} pairs, "
            f"got {len(pairs) - len(left)}"
        )
