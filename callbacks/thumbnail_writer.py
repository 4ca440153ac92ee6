"""thumbnails.parquet: small pictures of some images, for the gallery of the report."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import lightning as L
import pyarrow as pa
import pyarrow.parquet as pq

from speciarl_pl.data import ImageDataset, data_of
from speciarl_pl.data.source import subset_indices
from speciarl_pl.errors import RunError
from speciarl_pl.records import Sample
from speciarl_pl.run.thumbnails import small_picture
from speciarl_pl.system.files import replacing
from speciarl_pl.system.together import together

NAME: Final = "thumbnails.parquet"
"""The file in a run directory."""

SCHEMA: Final = pa.schema(
    {
        "dataset": pa.string(),
        "sample_id": pa.string(),
        "width": pa.int32(),  # of the thumbnail
        "height": pa.int32(),
        "jpeg": pa.binary(),
    }
)
"""Columns of thumbnails.parquet."""


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
                chosen = chosen_samples(data_of(trainer).listing("val"), self.limit)
                write_thumbnails(Path(trainer.default_root_dir, NAME), chosen)


def chosen_samples(datasets: Sequence[ImageDataset], limit: int) -> Iterator[Sample]:
    """Read equally many samples of each data set, `limit` in all; unreadable ones are left out."""
    for place, dataset in enumerate(datasets):
        count = limit // len(datasets) + (place < limit % len(datasets))
        for index in subset_indices(len(dataset), count, seed=0):
            sample = dataset[index]
            if isinstance(sample, Sample):
                yield sample


def write_thumbnails(path: Path, samples: Iterable[Sample]) -> None:
    """Write thumbnails of `samples`.

    Raises:
        RunError: If the file cannot be written.
    """
    rows = [_row(sample) for sample in samples]
    with replacing(path) as part:
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), part)


def _row(sample: Sample) -> dict[str, Any]:
    picture = asdict(small_picture(sample.image))
    return {"dataset": sample.dataset, "sample_id": sample.id, **picture}
