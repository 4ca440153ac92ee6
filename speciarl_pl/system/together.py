"""Steps of several processes that fail on all of them, or on none."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import lightning as L
import torch

from speciarl_pl.errors import SpeciaRLError
from speciarl_pl.system.stop_signals import LeftWork, alone, stop_if_asked


@contextmanager
def together(trainer: L.Trainer | None, kind: type[SpeciaRLError]) -> Iterator[None]:
    """Context that ends on all ranks alike: where it fails on one of them it fails on all.

    A rank that raises alone leaves the others waiting for it, in whatever they next do together,
    until their connection breaks or times out, and their message does not say why. Hence all have
    to come here, and what is done inside may not itself wait for the others, unless it fails on
    all alike, as another such context does. A rank that was told to stop within `alone` comes here
    early, and goes on behind the context, where `stop_if_asked` has to follow.

    Args:
        trainer: Of this process; None, or one with a single process, changes nothing.
        kind: What the ranks raise that have not failed themselves.

    Raises:
        SpeciaRLError: Of `kind`, naming the first rank that failed and its error. A rank that
            failed raises its own error, whatever that is.
    """
    if trainer is None or trainer.world_size == 1:
        yield
        return
    failure: Exception | None = None
    try:
        yield
    except Exception as error:
        failure = error
    except LeftWork:
        pass
    cause = _first_cause(trainer, failure)
    if failure is not None:
        raise failure
    if cause:
        raise kind(cause)


@contextmanager
def apart(
    trainer: L.Trainer | None, kind: type[SpeciaRLError], stoppable: bool = True
) -> Iterator[None]:
    """`together` for long work in which a rank waits for no other, and which a stop cuts short.

    Args:
        trainer: As of `together`.
        kind: As of `together`.
        stoppable: Whether nothing is half-done if the work is left.

    Raises:
        RunStopped: On all ranks, if any was asked to stop.
    """
    with together(trainer, kind), alone(trainer) if stoppable else nullcontext():
        yield
    if stoppable and trainer is not None:
        stop_if_asked(trainer)


def _first_cause(trainer: L.Trainer, failure: Exception | None) -> str:
    """What the first rank that failed says of it; empty if none did."""
    strategy = trainer.strategy
    flags = torch.zeros(trainer.world_size, device=strategy.root_device)
    flags[trainer.global_rank] = failure is not None
    failed = strategy.reduce(flags, reduce_op="sum").nonzero().flatten().tolist()
    if not failed:
        return ""
    return strategy.broadcast(f"rank {trainer.global_rank}: {_named(failure)}", src=failed[0])


def _named(error: Exception | None) -> str:
    """The message of an error of ours; of any other with its type, since `'x'` alone says little.

    Example:
        >>> _named(KeyError("x"))
        "KeyError: 'x'"
    """
    return str(error) if isinstance(error, SpeciaRLError) else f"{type(error).__name__}: {error}"
