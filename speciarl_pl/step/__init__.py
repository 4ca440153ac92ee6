"""The parts of one training step, and of a validation."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.step.ranks import Ranks
    from speciarl_pl.step.update import PolicyUpdate

__all__ = ["PolicyUpdate", "Ranks"]

__getattr__ = handed_out(__name__)
