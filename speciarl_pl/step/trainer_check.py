"""What of Lightning's options this package can take, said before anything is loaded or drawn."""

from collections.abc import Iterator
from typing import Any, Final

import lightning as L
from lightning.pytorch.accelerators import CPUAccelerator, CUDAAccelerator
from lightning.pytorch.plugins.precision import Precision
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from torch.optim import LBFGS, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from speciarl_pl.data import find_data
from speciarl_pl.metrics.functional import AVERAGED, OUTCOME_LABELS
from speciarl_pl.step.process_check import wrong_number_of_processes

STEP_METRICS: Final = frozenset(
    {
        "reward",
        "correctness",
        "specificity",
        "hm",
        "signal_share",
        "skipped_share",
        "rollouts",
        "tokens",
        "tokens_per_s",
        "lr",
        "grad_norm",
        "skipped_updates",
        "clip_share",
        "ratio",
        "importance_weight",
        "entropy",
        "kl",
        *(f"categories/{label.replace(' ', '_')}" for label in OUTCOME_LABELS),
        *("judge/cached_share", "judge/llm_share", "length/mean", "length/cut_share"),
        *(f"time/{part}_s" for part in ("rollout", "judge", "update")),
        *(f"sync/{name}" for name in ("version", "push_s", "canary_s", "gap_mean", "gap_max")),
    }
)
"""What a training step logs, where it is defined."""

_OWN: Final = ("speciarl_pl.", "lightning.")
"""Packages whose callbacks log nothing under names of their own."""


def check_trainer(trainer: L.Trainer, fitting: bool) -> None:
    """Refuse options under which a run would go wrong without a word.

    The policy has its number formats by itself: a base of 16 or 4 bit, an adapter of float32, and
    an autocast where it computes. The update sums gradients over ranks by itself, clips them, and
    takes its own optimiser steps.

    Args:
        trainer: The trainer, with its strategy and accelerator.
        fitting: Whether it is to train.

    Raises:
        ValueError: Names the option, what was expected and what to set.
    """
    for problem in (*_everywhere(trainer), *(_in_training(trainer) if fitting else ())):
        raise ValueError(problem)


def check_optimizer(optimizer: Optimizer) -> None:
    """Refuse an optimiser that needs to compute the loss again.

    Raises:
        ValueError: If it does.
    """
    if isinstance(optimizer, LBFGS):
        raise ValueError(
            "model.optimizer: expected one that steps on given gradients, got LBFGS, which asks "
            "for the loss again; take for instance torch.optim.AdamW"
        )


def check_schedule(schedule: Any, trainer: L.Trainer) -> None:
    """Refuse a learning-rate schedule that cannot be stepped once a batch to the end.

    Args:
        schedule: The schedule.
        trainer: Knows how many batches the run has.

    Raises:
        ValueError: Says what to set.
    """
    name = type(schedule).__name__
    if isinstance(schedule, ReduceLROnPlateau):
        raise ValueError(
            f"model.lr_scheduler: expected a schedule over training batches, got {name}, which "
            "waits for the result of a validation; take for instance "
            "torch.optim.lr_scheduler.CosineAnnealingLR"
        )
    steps = getattr(schedule, "total_steps", None)
    if steps is None:
        return
    batches = trainer.estimated_stepping_batches
    if steps < batches < float("inf"):
        raise ValueError(
            f"model.lr_scheduler: {name} ends after {steps} steps and this run has {batches:.0f} "
            f"training batches; pass total_steps: {batches:.0f}"
        )


def check_monitors(trainer: Any) -> None:
    """Refuse callbacks that watch a number which nobody logs.

    Where a callback of the user's own might log it, nothing is said.

    Args:
        trainer: The trainer, with its data module.

    Raises:
        ValueError: Names the callback and what it might watch.
    """
    callbacks: list[Any] = trainer.callbacks
    data = find_data(trainer)
    if data is None:  # what is missing without one is said where it is needed
        return
    sets = [*data.val_names, *filter(None, data.val_groups.values()), "macro"]
    known = STEP_METRICS | {f"val/{name}/{rate}" for name in sets for rate in AVERAGED}
    if not all(type(callback).__module__.startswith(_OWN) for callback in callbacks):
        return
    for callback in callbacks:
        monitor = getattr(callback, "monitor", None)
        if monitor is not None and monitor not in known:
            name = type(callback).__name__
            option = "checkpoint.monitor" if name == "ModelCheckpoint" else f"{name}.monitor"
            raise ValueError(
                f"{option}: expected one of {', '.join(sorted(known))}; got {monitor!r}"
            )


def _everywhere(trainer: L.Trainer) -> Iterator[str]:
    strategy: Any = trainer.strategy
    yield from wrong_number_of_processes(trainer)
    if not isinstance(strategy, SingleDeviceStrategy | DDPStrategy):
        yield (
            f"trainer.strategy: expected auto or ddp, got {type(strategy).__name__}; the update "
            "sums whole gradients over the ranks. A base too large for one GPU fits with "
            "model.quantization: nf4"
        )
    if not isinstance(strategy.accelerator, CPUAccelerator | CUDAAccelerator):
        yield (
            f"trainer.accelerator: expected cpu or gpu (CUDA), got "
            f"{type(strategy.accelerator).__name__}, which has no float64; pass "
            "--trainer.accelerator cpu"
        )
    if type(trainer.precision_plugin) is not Precision:
        yield (
            f"trainer.precision: expected 32-true, got {trainer.precision}; the base's number "
            "format is set by model.dtype (for instance bfloat16), and the adapter stays float32"
        )


def _in_training(trainer: Any) -> Iterator[str]:
    if trainer.gradient_clip_val is not None:
        yield (
            f"trainer.gradient_clip_val: expected null, got {trainer.gradient_clip_val}; pass "
            f"--model.max_grad_norm {trainer.gradient_clip_val} instead"
        )
    if trainer.accumulate_grad_batches != 1:
        yield (
            f"trainer.accumulate_grad_batches: expected 1, got {trainer.accumulate_grad_batches}; "
            "a step's images are data.batch_size, of which model.micro_batch_groups go through "
            "the policy at once"
        )
