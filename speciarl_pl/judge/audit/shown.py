"""How figures and foreign text are shown to a human."""

from typing import Final

from speciarl_pl.judge.audit.kappa import Estimate
from speciarl_pl.judge.audit.share import Share

NOTHING: Final = "\u2013"
"""Stands for a figure that does not exist."""


def shown(text: str, max_chars: int = 160) -> str:
    r"""`text` on one line, cut at `max_chars`, without marks that steer a terminal or a page.

    Example:
        >>> shown("a \x1b[31mred\x1b[0m\nlion"), shown("lioness", 5)
        ('a \\x1b[31mred\\x1b[0m\\nlion', 'lion…')
    """
    safe = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text[: max_chars + 1]
    )
    return safe if len(safe) <= max_chars else safe[: max_chars - 1] + "\u2026"


def percent(value: float | None) -> str:
    """A share in percent.

    Example:
        >>> percent(0.8125), percent(None) == NOTHING
        ('81.2 %', True)
    """
    return NOTHING if value is None else f"{100 * value:.1f} %"


def share_text(share: Share) -> str:
    """A share with its interval and its counts.

    Example:
        >>> share_text(Share(8, 10))
        '80.0 % [49.0, 94.3] (8 of 10)'
    """
    bounds = share.interval
    interval = f" [{100 * bounds[0]:.1f}, {100 * bounds[1]:.1f}]" if bounds else ""
    return f"{percent(share.value)}{interval} ({share.count:,} of {share.of:,})"


def estimate_text(estimate: Estimate) -> str:
    """A figure with its interval.

    Example:
        >>> estimate_text(Estimate(0.81234, 0.7, 0.9)), estimate_text(Estimate(0.5))
        ('0.812 [0.700, 0.900]', '0.500')
    """
    if estimate.value is None:
        return NOTHING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def signed(value: float | None) -> str:
    """A difference in levels with its sign.

    Example:
        >>> signed(0.5), signed(-1.0)
        ('+0.50', '-1.00')
    """
    return NOTHING if value is None else f"{value:+.2f}"
