"""Where verdicts are kept: one seam for a file on this machine and a server for many nodes."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from speciarl_pl.category import Category
from speciarl_pl.judge.base import JudgeUnavailableError
from speciarl_pl.records import Pair, Verdict


class StoreError(JudgeUnavailableError):
    """The store can not be used now; the message names it."""


class VerdictStore(ABC):
    """Values by key: text that only `CachedJudge` reads. The first value of a key stays.

    All methods may be called from any thread, and several processes may use one store.

    Raises:
        StoreError: From every method, if the store does not answer.
    """

    @abstractmethod
    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Values of those keys that have one."""

    @abstractmethod
    def put(self, values: Mapping[str, str]) -> None:
        """Keep the values of keys that have none; safe once it returns."""

    @abstractmethod
    def drop(self, values: Mapping[str, str]) -> None:
        """Remove values, each only if it is still the one given."""

    @abstractmethod
    def close(self) -> None:
        """Close files and connections; the next call opens them again."""


def verdict_text(verdict: Verdict, pair: Pair) -> str:
    """What is stored of a verdict; the pair is there for people who look into the store."""
    fields = {
        "category": verdict.category.label,
        "source": verdict.source,
        "truth": pair.truth,
        "prediction": pair.prediction,
    }
    return json.dumps(fields | ({"dataset": pair.dataset} if pair.dataset else {}))


def read_verdict(text: str) -> Verdict | None:
    """A stored verdict, marked as cached; None if it can not be read."""
    try:
        fields = json.loads(text)
        category, source = Category.parse(fields["category"]), fields["source"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Verdict(category, source, cached=True) if isinstance(source, str) else None
