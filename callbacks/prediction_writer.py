"""predictions.jsonl, .csv and .html: what the policy says of photos without labels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L

from speciarl_pl.callbacks.rollout_log import RolloutLog, on_rank_zero
from speciarl_pl.data import ImageDataset
from speciarl_pl.data.dataset import none_readable
from speciarl_pl.records import Sample
from speciarl_pl.report import write_photos_page
from speciarl_pl.report.facts import prediction_facts
from speciarl_pl.run.predictions import (
    PhotoPrediction,
    agreement_lines,
    photo_predictions,
    write_csv,
    write_jsonl,
)
from speciarl_pl.run.rollouts import RolloutFiles
from speciarl_pl.run.thumbnails import small_picture
from speciarl_pl.system.file_names import opened_path, printable
from speciarl_pl.system.terminal import say


class PredictionWriter(L.Callback):
    """Puts the rollouts of `predict` together, photo by photo, in the order of the photos.

    Args:
        log: Keeps the rollouts; among the trainer's callbacks.
        pictures: Photos that the page shows; the tables name all.
    """

    def __init__(self, log: RolloutLog, pictures: int = 200) -> None:
        self._log = log
        self.pictures = pictures

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Make sure that the log sees the rollouts.

        Raises:
            RunError: If it is none of the trainer's callbacks.
        """
        self._log.check_among(trainer)

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the files and say where they are.

        Raises:
            DataError: If no photo could be read.
        """
        policy: Any = getattr(pl_module, "policy", None)
        opened = policy is not None and policy.encoder.thinking_opened
        files = self._log.complete(trainer)
        on_rank_zero(trainer, lambda: self._write(trainer, files, opened))

    def _write(self, trainer: L.Trainer, files: RolloutFiles, thinking_opened: bool) -> None:
        folder = Path(trainer.default_root_dir)
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        (photos,) = data.listing("images")
        skipped = {one.id: one.reason for one in data.skipped}
        paths = [printable(opened_path(path)) for path in photos.listing["path"][:]]
        named = list(zip(photos.listing["id"][:], paths, strict=True))
        said = files.replies("predict")
        predictions = photo_predictions(named, said, skipped, thinking_opened)
        write_jsonl(folder / "predictions.jsonl", predictions)
        behind = write_csv(folder / "predictions.csv", predictions)
        shown = [
            _with_picture(photos, place, one)
            for place, one in enumerate(predictions[: self.pictures])
        ]
        write_photos_page(
            folder / "predictions.html", shown, len(predictions), prediction_facts(folder)
        )
        _print(folder, predictions, [*photos.notes, *behind])
        if predictions and all(one.error for one in predictions):
            raise none_readable([one.error for one in predictions])


def _with_picture(photos: ImageDataset, place: int, one: PhotoPrediction) -> PhotoPrediction:
    sample = None if one.error else photos[place]
    if not isinstance(sample, Sample):
        return one
    return replace(one, jpeg=small_picture(sample.image).jpeg)


def _print(folder: Path, predictions: Sequence[PhotoPrediction], notes: Sequence[str]) -> None:
    abstained = sum(one.abstained for one in predictions)
    failed = sum(bool(one.error) for one in predictions)
    named = sum(one.answer is not None for one in predictions)
    counts = (
        f"{len(predictions)} photos: {named} named, {abstained} abstained, "
        f"{len(predictions) - named - abstained - failed} without a readable answer, "
        f"{failed} could not be read"
    )
    lines = [counts, *agreement_lines(predictions), *notes, str(folder / "predictions.html")]
    say("\n".join(lines))
