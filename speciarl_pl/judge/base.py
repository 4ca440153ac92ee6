"""What every judge is: pairs of truth and prediction in, one judgement a pair out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, Self, TypeAlias

from speciarl_pl.errors import JudgeError
from speciarl_pl.records import Judgement, Pair

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

    @abstractmethod
    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """Judge `pairs`, in order.

        Returns:
            One judgement per pair; `Unjudged` where this judge has no verdict.

        Raises:
            JudgeUnavailableError: If its service gave no verdict for any of them.
        """

    def open(self) -> None:  # noqa: B027
        """Get ready: connect, load. Called once, before the first pair."""

    def close(self) -> None:  # noqa: B027
        """Let go of what `open` took."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def check_when_unknown(unknown: str) -> None:
    """Raise a `ValueError` unless `unknown` is one of `WhenUnknown`."""
    if unknown not in ("wrong", "unjudged"):
        raise ValueError(f"unknown: expected 'wrong' or 'unjudged', got {unknown!r}")
