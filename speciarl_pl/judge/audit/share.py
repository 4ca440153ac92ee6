"""How many of how many, and how sure that is."""

from dataclasses import dataclass

from scipy.stats import binomtest  # type: ignore[attr-defined]

from speciarl_pl.system.display import percent


@dataclass(frozen=True, slots=True)
class Share:
    """A number of cases among all of their kind.

    Example:
        >>> share = Share(8, 10)
        >>> share.value, [round(bound, 3) for bound in share.interval]
        (0.8, [0.49, 0.943])
        >>> Share(0, 0).value is None
        True
    """

    count: int
    """Cases, 0 <= count <= of."""
    of: int
    """All of their kind."""

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None of none."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval: unlike the plain one, sound for few cases and near 0 and 1."""
        if not self.of:
            return None
        low, high = binomtest(self.count, self.of).proportion_ci(method="wilson")
        return float(low), float(high)


def share_text(share: Share) -> str:
    """A share with its interval and its counts.

    Example:
        >>> share_text(Share(8, 10))
        '80.0 % [49.0, 94.3] (8 of 10)'
    """
    bounds = share.interval
    interval = f" [{100 * bounds[0]:.1f}, {100 * bounds[1]:.1f}]" if bounds else ""
    return f"{percent(share.value)}{interval} ({share.count:,} of {share.of:,})"
