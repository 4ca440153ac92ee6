"""What every judge is: pairs of truth and prediction in, one judgement a pair out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Literal, Self, TypeAlias

from speciarl_pl.category import Category
from speciarl_pl.contracts import breach, described, own_code
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.stats import JudgeStats
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict

WhenUnknown: TypeAlias = Literal["wrong", "unjudged"]
"""What a judge makes of a prediction that it does not know."""


class JudgeUnavailableError(JudgeError):
    """The service behind a judge gave no verdicts; the pairs stay unjudged.

    A judge translates the errors of its client library into this one. `OSError`, hence
    `ConnectionError` and `TimeoutError`, is understood as it is.
    """


class Judge(ABC):
    """Puts predictions on the six levels.

    The truth and the prediction reach the judge as written: folding them is up to the judge.

    Example:
        >>> from speciarl_pl.category import Category
        >>> from speciarl_pl.records import Verdict
        >>> class Pessimist(Judge):
        ...     def judge(self, pairs):
        ...         return [Verdict(Category.WRONG, "pessimist") for _ in pairs]
        >>> with Pessimist() as judge:
        ...     [verdict.category.label for verdict in judge.judge([Pair("dog", "cat")])]
        ['wrong']
    """

    _stats: JudgeStats | None = None

    @abstractmethod
    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """Judge `pairs`, in order.

        Returns:
            One judgement per pair; `Unjudged` where this judge has no verdict.

        Raises:
            JudgeUnavailableError: If its service gave no verdict for any of them.
        """

    def judge_each(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
        """Judge `pairs` and give each judgement as soon as it is there.

        Yields:
            Place of a pair in `pairs`, and its judgement; every place once, in any order.

        Raises:
            JudgeUnavailableError: As `judge`; what was given before it stands.
        """
        judged = self.judge(pairs)
        if not isinstance(judged, Sequence):
            expected = f"a list of {len(pairs)} judgements"
            raise JudgeError(breach(self, "judge", expected, described(judged)))
        if len(judged) != len(pairs):
            raise JudgeError(
                f"{type(self).__name__}: expected one judgement for each of {len(pairs)} pairs, "
                f"got {len(judged)}"
            )
        yield from enumerate(judged)

    @property
    def waits(self) -> bool:
        """Whether verdicts come from a service, so that asking early and asking once pay."""
        return False

    @property
    def reads_dataset(self) -> bool:
        """Whether a verdict may depend on the pair's data set; if not, one serves all sets."""
        return True

    @property
    def fingerprint(self) -> str | None:
        """All that a verdict depends on besides its pair; None if verdicts are not to be stored.

        It is known without asking a service, so that stored verdicts serve while that is down.
        """
        return None

    def check(self) -> None:  # noqa: B027
        """Make sure, by asking it, that the service behind this judge answers.

        Raises:
            JudgeUnavailableError: If it does not; says why.
        """

    @property
    def stats(self) -> JudgeStats:
        """What this judge and those inside it have counted."""
        if self._stats is None:
            self.use(JudgeStats())
        assert self._stats is not None
        return self._stats

    def use(self, stats: JudgeStats) -> None:
        """Count into `stats` from now on; a composite judge passes them on."""
        self._stats = stats

    def open(self) -> None:  # noqa: B027
        """Get ready: connect, load. Called once, before the first pair.

        A service that does not answer yet is no error here, but of the pairs asked meanwhile.
        """

    def close(self) -> None:  # noqa: B027
        """Let go of what `open` took."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class StreamingJudge(Judge):
    """A judge whose judgements come one by one: a subclass implements `judge_each`."""

    @abstractmethod
    def judge_each(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, Judgement]]:
        """Judge `pairs`, each as soon as its judgement is there; see `Judge.judge_each`."""

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """Judge `pairs`, in order."""
        found = dict(self.judge_each(pairs))
        return [found[place] for place in range(len(pairs))]


def check_when_unknown(unknown: str) -> None:
    """Raise a `ValueError` unless `unknown` is one of `WhenUnknown`."""
    if unknown not in ("wrong", "unjudged"):
        raise ValueError(f"unknown: expected 'wrong' or 'unjudged', got {unknown!r}")


# An outage of a judge becomes unjudged pairs, and a broken judge an error.


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
