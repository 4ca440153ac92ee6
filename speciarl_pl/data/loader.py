"""Loaders that Lightning takes as they are: it neither rebuilds them nor changes their sampler."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from speciarl_pl.data.collate import Collate, pin
from speciarl_pl.data.sampler import EvalBatches, TrainBatches
from speciarl_pl.errors import DataError
from speciarl_pl.records import Batch, Sample, SkippedSample


@dataclass(frozen=True, slots=True)
class Workers:
    """How batches are made ready beside the main process."""

    count: int = 0
    """Worker processes; 0 reads and encodes in the main process."""
    persistent: bool = False
    """Keep the workers between epochs."""
    pin_memory: bool = False
    """Put batches into page-locked memory, where there is a GPU."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the training loop knows about the batches it was given."""

    in_flight: int
    """Batches handed out but not finished: 1 within a step, else 0."""
    epoch_length: float
    """Batches that the loop takes in an epoch; may be fewer than the loader has."""


class BatchLoader:
    """Batches of a data set, in the order of a batch sampler.

    It wraps a torch `DataLoader` instead of being one: Lightning leaves what is no `DataLoader`
    alone, in particular does not put its own distributed sampler (which repeats samples) in.

    Args:
        dataset: Gives samples by position.
        batches: Gives the positions of each batch, for this rank.
        collate: Makes a batch of samples, in the worker.
        workers: Worker processes.
    """

    def __init__(
        self,
        dataset: Dataset[Sample | SkippedSample],
        batches: TrainBatches | EvalBatches,
        collate: Collate,
        workers: Workers | None = None,
    ) -> None:
        workers = workers or Workers()
        self.dataset = dataset
        self._batches = batches
        self._pin = workers.pin_memory and torch.cuda.is_available()
        self._loader: DataLoader[Sample | SkippedSample] = DataLoader(
            dataset,
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=workers.count,
            persistent_workers=workers.persistent and workers.count > 0,
            worker_init_fn=_quiet_tokenizers,
        )

    def __len__(self) -> int:
        """Give the batches of a whole pass."""
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        """Give the batches; nothing is read before the first is asked for."""
        for batch in self._loader:
            yield pin(batch) if self._pin else batch

    def close(self) -> None:
        """Stop the workers that were kept; left to the garbage collector it takes seconds each."""
        iterator, self._loader._iterator = self._loader._iterator, None
        if isinstance(iterator, _MultiProcessingDataLoaderIter):
            iterator._shutdown_workers()


class ResumableLoader(BatchLoader):
    """A training loader that goes on where a checkpoint left off, in the middle of an epoch too.

    It counts the batches that were handed out, not those that workers read ahead. The epoch is
    kept here and ends when all its batches were handed out, however often a pass is begun:
    Lightning counts an epoch too many when `max_steps` ends a run within one, and may begin a pass
    too many after that. Lightning finds `state_dict` and `load_state_dict` and keeps the state in
    its checkpoint.

    Args:
        dataset: As in `BatchLoader`.
        batches: As in `BatchLoader`.
        collate: As in `BatchLoader`.
        workers: As in `BatchLoader`.
        progress: What the training loop is done with. Without it, every batch handed out, and an
            epoch has all batches of the data set.
    """

    def __init__(
        self,
        dataset: Dataset[Sample | SkippedSample],
        batches: TrainBatches,
        collate: Collate,
        workers: Workers | None = None,
        progress: Callable[[], Progress] | None = None,
    ) -> None:
        super().__init__(dataset, batches, collate, workers)
        self._order = batches
        self._progress = progress
        self._given = 0

    @property
    def epoch(self) -> int:
        """Epoch of the batches given now, from 0."""
        return self._order.epoch

    def __iter__(self) -> Iterator[Batch]:
        """Give the rest of this epoch, or the next epoch if this one is done."""
        if self._given >= self._asked().epoch_length:
            self._go_to(self._order.epoch + 1, 0)
        self._order.start = self._given
        for batch in super().__iter__():
            self._given += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Give the position, the same on all ranks.

        Returns:
            `epoch`, `seen` (samples of that epoch that all ranks together are done with), and the
            `size` and `seed` on which the order rests.
        """
        progress = self._asked()
        epoch, done = self._order.epoch, self._given - progress.in_flight
        if done >= progress.epoch_length:
            epoch, done = epoch + 1, 0
        order = self._order
        seen = done * order.step_size
        return {"epoch": epoch, "seen": seen, "size": order.size, "seed": order.seed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to a saved position.

        After a change of batch size or number of processes it is rounded down to a whole step.

        Raises:
            DataError: If the training data or the seed are not those of the checkpoint.
        """
        for key, now in (("size", self._order.size), ("seed", self._order.seed)):
            if state_dict[key] != now:
                raise DataError(
                    f"training data: the checkpoint was written with {key} {state_dict[key]}, this"
                    f" run has {now}; resume with the same data and seed, or start a new run"
                )
        self._go_to(state_dict["epoch"], state_dict["seen"] // self._order.step_size)

    def _go_to(self, epoch: int, batch: int) -> None:
        self._order.epoch, self._given = epoch, batch

    def _asked(self) -> Progress:
        return self._progress() if self._progress else Progress(0, len(self))


def _quiet_tokenizers(_: int) -> None:
    """Keep fast tokenizers from warning that they were forked; a worker needs no threads."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
