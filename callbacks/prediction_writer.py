"""predictions.jsonl, .csv and .html: what the policy says of photos without labels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import lightning as L

from speciarl_pl.callbacks.rollout_log import RolloutLog, on_rank_zero
from speciarl_pl.data import ImageDataset
from speciarl_pl.data.dataset import none_readable
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.records import Sample
from speciarl_pl.report import write_photos_page
from speciarl_pl.report.facts import prediction_facts
from speciarl_pl.run.predictions import (
    PhotoPrediction,
    photo_predictions,
    write_csv,
    write_jsonl,
)
from speciarl_pl.run.rollouts import RolloutFiles
from speciarl_pl.run.thumbnails import small_picture
from speciarl_pl.step.validation import vote_key
from speciarl_pl.system.file_names import opened_path, printable
from speciarl_pl.system.terminal import say

_MOST: Final = 0.5
"""Share of the photos from which on one answer to them is odd."""

_FEW: Final = 3
"""Photos with one answer below which that says nothing."""


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
        pictured = [
            _with_picture(photos, place, one)
            for place, one in enumerate(predictions[: self.pictures])
        ]
        write_photos_page(
            folder / "predictions.html", pictured, len(predictions), prediction_facts(folder)
        )
        _print(folder, predictions, [*photos.notes, *behind])
        if predictions and all(one.error for one in predictions):
            raise none_readable([one.error for one in predictions])


def _with_picture(photos: ImageDataset, place: int, one: PhotoPrediction) -> PhotoPrediction:
    sample = None if one.error else photos[place]
    if not isinstance(sample, Sample):
        return one
    return replace(one, jpeg=small_picture(sample.image).jpeg)


def agreement_lines(predictions: Sequence[PhotoPrediction]) -> list[str]:
    """Say what agreement is, and warn of one answer to most of the photos.

    A model that has never seen such photos may say the same of all of them, each time.

    Args:
        predictions: The photos, of which those without rollouts do not count.

    Example:
        >>> votes = [("hat", 8)]
        >>> photos = [PhotoPrediction(n, n, "hat", False, 1.0, votes, "") for n in "abc"]
        >>> agreement_lines(photos)[1].partition(":")[2].partition(":")[0]
        " 3 of 3 photos get the same answer, 'hat'"
    """
    sure = [one.agreement for one in predictions if one.agreement is not None]
    if not sure:
        return []
    lines = [
        f"mean agreement {sum(sure) / len(sure):.0%}".replace("%", " %")
        + ": how often a photo's answers are the same; a model may agree with itself and be wrong"
    ]
    keys = Counter(vote_key(one.answer) for one in predictions if one.answer is not None)
    if not keys:
        return lines
    key, number = keys.most_common(1)[0]
    if number >= _FEW and number > _MOST * len(sure):
        answer = next(one.answer for one in predictions if vote_key(one.answer) == key)
        lines.append(
            f"warning: {number:,} of {len(sure):,} photos get the same answer, {shown(answer)}: "
            "the model may not know such photos; validate it on some that have labels"
        )
    return lines


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
