"""Where verdicts are kept: one seam for a file on this machine and a server for many nodes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speciarl_pl.judge.base import JudgeUnavailableError


class StoreError(JudgeUnavailableError):
    """The store can not be used now; the message names it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks a judge, so that others wait for that answer and need not ask too."""

    owner: str
    """A process; its leases are void when it stops renewing them."""
    number: str
    """Tells its questions apart."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that got no verdict."""

    ask: Ask
    """Whose question it was."""
    reason: str
    """What failed, as the asker wrote it."""


class VerdictStore(ABC):
    """Values by key, and leases that keep two processes from asking for the same key.

    Values are text that only `CachedJudge` reads. The first value of a key stays. All methods may
    be called from any thread, and several processes may use one store.

    Raises:
        StoreError: From every method, if the store does not answer.
    """

    @abstractmethod
    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Values of those keys that have one."""

    @abstractmethod
    def put(self, values: Mapping[str, str], ask: Ask) -> None:
        """Keep values and end the leases that `ask` has on their keys; safe once it returns."""

    @abstractmethod
    def drop(self, values: Mapping[str, str]) -> None:
        """Remove values, each only if it is still the one given."""

    @abstractmethod
    def claim(self, keys: Sequence[str], ask: Ask) -> dict[str, Ask]:
        """Take leases on keys that have no value and that nobody else alive holds.

        An owner asks about a key once at a time, so an older lease of its own is a lost one.

        Returns:
            Who holds each key without a value: `ask` where it was taken.
        """

    @abstractmethod
    def renew(self, owner: str, seconds: float) -> None:
        """Make the leases of `owner` last for so long from now."""

    @abstractmethod
    def release(self, failures: Mapping[str, str], ask: Ask) -> None:
        """End leases of `ask` without a value.

        Args:
            failures: Why, by key; told to those who waited for it, and to nobody after them.
            ask: Who held the leases.
        """

    @abstractmethod
    def failures(self, keys: Sequence[str]) -> dict[str, Failure]:
        """The last failure of each key that had one since its last lease or value."""

    @abstractmethod
    def close(self) -> None:
        """Close files and connections; the next call opens them again."""
