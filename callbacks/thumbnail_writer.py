"""thumbnails.parquet: small pictures of some images, for the gallery of the report."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning as L

from speciarl_pl.data import ImageDataset
from speciarl_pl.data.source import subset_indices
from speciarl_pl.errors import RunError
from speciarl_pl.records import Sample
from speciarl_pl.run.thumbnails import NAME, write_thumbnails
from speciarl_pl.system.together import together


class Thumbnails(L.Callback):
    """Keeps small pictures of some validation images, the same ones in every run.

    Args:
        limit: How many, over all data sets.
    """

    def __init__(self, limit: int = 200) -> None:
        if limit < 0:
            raise ValueError(f"thumbnails: expected an int >= 0, got {limit}")
        self.limit = limit
        self._done = False

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the file, after the first whole validation."""
        partial = trainer.sanity_checking and trainer.num_sanity_val_steps != float("inf")
        if self._done or partial or not self.limit:
            return
        self._done = True
        with together(trainer, RunError):
            if trainer.is_global_zero:
                data: Any = trainer.datamodule  # type: ignore[attr-defined]
                chosen = chosen_samples(data.listing("val"), self.limit)
                write_thumbnails(Path(trainer.default_root_dir, NAME), chosen)


def chosen_samples(datasets: Sequence[ImageDataset], limit: int) -> Iterator[Sample]:
    """Read equally many samples of each data set, `limit` in all; unreadable ones are left out."""
    for place, dataset in enumerate(datasets):
        count = limit // len(datasets) + (place < limit % len(datasets))
        for index in subset_indices(len(dataset), count, seed=0):
            sample = dataset[index]
            if isinstance(sample, Sample):
                yield sample
