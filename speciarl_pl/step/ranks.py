"""What a step needs of the trainer: the other ranks, and the backward pass."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import lightning as L
import torch
from lightning.pytorch.strategies import ParallelStrategy
from torch import Tensor

from speciarl_pl.errors import RunError
from speciarl_pl.system.together import apart


@dataclass(frozen=True, slots=True)
class Ranks:
    """What an update needs of the trainer: sums over ranks, and the backward pass."""

    backward: Callable[[Tensor], None] = torch.Tensor.backward
    """Backward pass of a loss, under the trainer's precision."""
    sum: Callable[[Tensor], Tensor] = lambda tensor: tensor
    """Sum of a tensor over all ranks."""
    count: int = 1
    """Number of ranks."""
    no_sync: Callable[[], AbstractContextManager[None]] = nullcontext
    """Context in which a backward pass does not exchange gradients."""
    apart: Callable[[bool], AbstractContextManager[None]] = lambda stoppable: nullcontext()
    """Context of what a rank computes by itself; what fails there, or if that is allowed is stopped
    there, ends all ranks."""

    @classmethod
    def of(cls, trainer: L.Trainer, backward: Callable[[Tensor], None]) -> "Ranks":
        """Those of a trainer, with the backward pass of its module."""
        strategy: Any = trainer.strategy
        parallel = isinstance(strategy, ParallelStrategy)
        return cls(
            backward=backward,
            sum=lambda tensor: strategy.reduce(tensor, reduce_op="sum"),
            count=trainer.world_size,
            no_sync=strategy.block_backward_sync if parallel else nullcontext,
            apart=lambda stoppable: apart(trainer, RunError, stoppable),
        )
