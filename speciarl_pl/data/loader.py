"""Loaders that Lightning takes as they are: it neither rebuilds them nor changes their sampler."""

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from speciarl_pl.data.dataset import Collate, pin
from speciarl_pl.data.sampler import EvalBatches, TrainBatches
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
            worker_init_fn=_begin_worker,
            # Every pass draws a seed for its workers, by default from the generator of all else: a
            # run that goes on, and so begins a pass more, would have other random numbers.
            generator=torch.Generator(),
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
    """A training loader that can begin in the middle of an epoch.

    Lightning's checkpoints do not depend on it: the data module keeps the position, and the loops
    of `speciarl_pl.data.loops` say before every pass where it begins.

    Args:
        dataset: As in `BatchLoader`.
        batches: As in `BatchLoader`.
        collate: As in `BatchLoader`.
        workers: As in `BatchLoader`.
    """

    def __init__(
        self,
        dataset: Dataset[Sample | SkippedSample],
        batches: TrainBatches,
        collate: Collate,
        workers: Workers | None = None,
    ) -> None:
        super().__init__(dataset, batches, collate, workers)
        self._order = batches
        self._given = 0

    @property
    def epoch(self) -> int:
        """Epoch of the batches given now, from 0."""
        return self._order.epoch

    @property
    def step_size(self) -> int:
        """Samples that all ranks together take in one step."""
        return self._order.step_size

    def go_to(self, epoch: int, batch: int = 0) -> None:
        """Begin the next pass with a batch of an epoch, both from 0."""
        self._order.epoch, self._given = epoch, batch

    def __iter__(self) -> Iterator[Batch]:
        """Give the rest of this epoch, or the next epoch if this one is done."""
        if self._given >= len(self):
            self.go_to(self._order.epoch + 1)
        self._order.start = self._given
        for batch in super().__iter__():
            self._given += 1
            yield batch


def _begin_worker(_: int) -> None:
    """Leave it to the main process when to end, and keep fast tokenizers from warning of forks.

    Ctrl-C goes to all processes of a terminal, SIGTERM under SLURM to all of a job; a worker that
    ended at once would end the run by an error before it could save.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a worker needs no threads
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_obey, daemon=True).start()


def _obey() -> None:
    """End by a SIGTERM of the main process, and of no other."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
