"""predictions.jsonl, .csv and .html: what the policy says of photos without labels."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import lightning as L
import pyarrow.parquet as pq

from speciarl_pl.answer import thinking
from speciarl_pl.callbacks.rollout_log import on_rank_zero
from speciarl_pl.data import ImageDataset, data_of
from speciarl_pl.data.dataset import none_readable
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.metrics.functional import majority_vote
from speciarl_pl.records import Sample
from speciarl_pl.report import PhotoPrediction, write_photos_page
from speciarl_pl.report.facts import prediction_facts
from speciarl_pl.run.rollouts import NAME
from speciarl_pl.run.thumbnails import small_picture
from speciarl_pl.step.validation import ABSTAINED, vote_key
from speciarl_pl.system.csv_cells import escaped, safe_cells
from speciarl_pl.system.file_names import opened_path, printable
from speciarl_pl.system.files import replacing
from speciarl_pl.system.terminal import say

_MOST: Final = 0.5
"""Share of the photos from which on one answer to them is odd."""

_FEW: Final = 3
"""Photos with one answer below which that says nothing."""


class PredictionWriter(L.Callback):
    """Puts the rollouts of `predict` together, photo by photo, in the order of the photos.

    Args:
        pictures: Photos that the page shows; the tables name all.
    """

    def __init__(self, pictures: int = 200) -> None:
        self.pictures = pictures

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the files and say where they are.

        Raises:
            DataError: If no photo could be read.
        """
        policy: Any = getattr(pl_module, "policy", None)
        opened = policy is not None and policy.encoder.thinking_opened
        on_rank_zero(trainer, lambda: self._write(trainer, opened))

    def _write(self, trainer: L.Trainer, thinking_opened: bool) -> None:
        folder = Path(trainer.default_root_dir)
        data = data_of(trainer)
        (photos,) = data.listing("images")
        skipped = {one.id: one.reason for one in data.skipped}
        predictions = photo_predictions(photos, _rows(folder), skipped, thinking_opened)
        _write_jsonl(folder / "predictions.jsonl", predictions)
        behind = _write_csv(folder / "predictions.csv", predictions)
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


def photo_predictions(
    photos: ImageDataset,
    rows: Sequence[dict[str, Any]],
    skipped: dict[str, str],
    thinking_opened: bool = False,
) -> list[PhotoPrediction]:
    """Put the rollouts of each photo together.

    Args:
        photos: All photos; one without rows could not be read.
        rows: Of rollouts.parquet, by position.
        skipped: Why photos could not be read, by id, as far as this process knows.
        thinking_opened: Whether the chat template opens `<think>`.
    """
    grouped = {
        position: list(rollouts)
        for position, rollouts in groupby(rows, key=lambda row: row["position"])
    }
    names = zip(photos.listing["id"][:], _paths(photos), strict=True)
    return [
        _prediction(id_, path, grouped[position], thinking_opened)
        if position in grouped
        else PhotoPrediction(
            id_, path, None, False, None, (), "", skipped.get(id_, "could not be read")
        )
        for position, (id_, path) in enumerate(names)
    ]


def _paths(photos: ImageDataset) -> list[str]:
    return [printable(opened_path(path)) for path in photos.listing["path"][:]]


def _prediction(
    id_: str, path: str, rollouts: Sequence[dict[str, Any]], thinking_opened: bool
) -> PhotoPrediction:
    keys = [vote_key(row["answer"]) for row in rollouts]
    vote = majority_vote(keys)
    chosen, abstained = rollouts[vote.index], keys[vote.index] == ABSTAINED
    written = {ABSTAINED: ABSTAINED, None: None}
    for key, row in zip(keys, rollouts, strict=True):
        written.setdefault(key, row["answer"])
    return PhotoPrediction(
        id=id_,
        path=path,
        answer=None if abstained else chosen["answer"],
        abstained=abstained,
        agreement=vote.share,
        answers=[(written[key], votes) for key, votes in Counter(keys).most_common()],
        thinking=thinking(chosen["text"], thinking_opened),
    )


def _rows(folder: Path) -> list[dict[str, Any]]:
    path = folder / NAME
    if not path.exists():  # no photo could be read
        return []
    columns = ["stage", "position", "index", "text", "answer"]
    rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    return [row for row in rows if row["stage"] == "predict"]


def _write_jsonl(path: Path, predictions: Sequence[PhotoPrediction]) -> None:
    with replacing(path) as part, part.open("w", encoding="utf-8") as file:
        for one in predictions:
            file.write(json.dumps(_fields(one), ensure_ascii=False) + "\n")


def _write_csv(path: Path, predictions: Sequence[PhotoPrediction]) -> list[str]:
    """Write the table; says how many cells are not as they came."""
    names = ("id", "answer", "abstained", "agreement", "answers", "error", "path")
    rows = []
    for one in predictions:
        answers = (f"{answer or 'no readable answer'} ({n})" for answer, n in one.answers)
        fields = {**_fields(one), "answers": "; ".join(answers)}
        rows.append([fields[name] for name in names])
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *map(safe_cells, rows)])
    count = sum(map(escaped, rows))
    said = f"{path.name}: {count} text(s) stand behind a ', or a spreadsheet would run them"
    return [said] if count else []


def _fields(one: PhotoPrediction) -> dict[str, Any]:
    """What the tables hold: all but the picture."""
    fields = asdict(one)
    del fields["jpeg"]
    return fields


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
