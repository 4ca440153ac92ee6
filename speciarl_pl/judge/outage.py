"""An outage of a judge becomes unjudged pairs, and a broken judge an error."""

from collections.abc import Iterator, Sequence

from speciarl_pl.category import Category
from speciarl_pl.contracts import breach, described, own_code
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.base import Judge, JudgeUnavailableError
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict


def each_or_unjudged(judge: Judge, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
    """As `judge.judge_each`, but pairs that an outage left without a judgement are unjudged.

    A bug in a judge of this package is not caught; one in a user's own is named in a line.

    Yields:
        Place of a pair in `pairs`, and its judgement; every place once, in any order.

    Raises:
        JudgeError: If the judge gives a place twice, one that is none, or leaves one out, or gives
            something else than judgements.
    """
    left = dict.fromkeys(range(len(pairs)))
    try:
        for place, judgement in _each(judge, pairs) if pairs else ():
            if place not in left:
                raise JudgeError(f"{type(judge).__name__}: unexpected judgement of pair {place}")
            _check(judge, judgement)
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


def _each(judge: Judge, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
    """What the judge gives; the errors of a user's own judge are those of its author."""
    with own_code(judge, "judge", JudgeError, passed=(OSError,)):
        yield from judge.judge_each(pairs)


def _check(judge: Judge, judgement: object) -> None:
    """Refuse what is no judgement, where it comes from a user's own judge or store."""
    if isinstance(judgement, Unjudged):
        return
    if not isinstance(judgement, Verdict):
        raise JudgeError(breach(judge, "judge", "Verdict or Unjudged", described(judgement)))
    if not isinstance(judgement.category, Category):
        got = described(judgement.category)
        raise JudgeError(breach(judge, "judge", "a Category in Verdict.category", got))
