"""predictions.jsonl, .csv and .html: what the policy says of photos without labels."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import lightning as L
import pyarrow.parquet as pq
from rich.console import Console

from speciarl_pl.answer import thinking
from speciarl_pl.callbacks.rollout_files import NAME
from speciarl_pl.callbacks.rollout_log import on_rank_zero
from speciarl_pl.callbacks.thumbnails import encode, shrink
from speciarl_pl.data import ImageDataset
from speciarl_pl.metrics.functional import majority_vote
from speciarl_pl.records import Sample
from speciarl_pl.report import PhotoPrediction, write_photos_page
from speciarl_pl.run_files import replacing
from speciarl_pl.validation import ABSTAINED, vote_key


@dataclass(frozen=True, slots=True)
class PhotoAnswer:
    """What the rollouts of one photo say together."""

    id: str
    """The photo, by its path below the folder."""
    path: str
    """Its file."""
    answer: str | None
    """The answer that most rollouts give, as first written; None if they abstain or give none."""
    abstained: bool
    """Whether most decline to answer."""
    agreement: float | None
    """Share of the rollouts that agree with the answer or abstention; None without rollouts."""
    votes: dict[str, int]
    """Rollouts by answer, the most frequent first; `none` stands for all refusals."""
    unparsed: int
    """Rollouts without a readable answer."""
    thinking: str
    """What the first rollout with that answer thought."""
    error: str
    """Why the photo could not be read; empty if it could."""


class PredictionWriter(L.Callback):
    """Puts the rollouts of `predict` together, photo by photo, in the order of the photos.

    Args:
        pictures: Photos that the page shows; the tables name all.
    """

    def __init__(self, pictures: int = 200) -> None:
        self.pictures = pictures

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the files and say where they are."""
        on_rank_zero(trainer, lambda: self._write(trainer))

    def _write(self, trainer: L.Trainer) -> None:
        folder = Path(trainer.default_root_dir)
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        (photos,) = data.listing("images")
        skipped = {one.id: one.reason for one in data.skipped}
        answers = photo_answers(photos, _rows(folder), skipped)
        with replacing(folder / "predictions.jsonl") as part:
            lines = (json.dumps(asdict(one), ensure_ascii=False) for one in answers)
            part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        _write_csv(folder / "predictions.csv", answers)
        shown = [_shown(photos, place, one) for place, one in self._chosen(answers)]
        write_photos_page(folder / "predictions.html", shown, total=len(answers))
        _print(folder, answers)

    def _chosen(self, answers: Sequence[PhotoAnswer]) -> Iterator[tuple[int, PhotoAnswer]]:
        readable = [(place, one) for place, one in enumerate(answers) if not one.error]
        yield from readable[: self.pictures]


def photo_answers(
    photos: ImageDataset, rows: Sequence[dict[str, Any]], skipped: dict[str, str]
) -> list[PhotoAnswer]:
    """Put the rollouts of each photo together.

    Args:
        photos: All photos; one without rows could not be read.
        rows: Of rollouts.parquet, by position.
        skipped: Why photos could not be read, by id, as far as this process knows.
    """
    grouped = {
        position: list(rollouts)
        for position, rollouts in groupby(rows, key=lambda row: row["position"])
    }
    listing = photos.listing
    return [
        _photo_answer(id_, path, grouped[position])
        if position in grouped
        else PhotoAnswer(
            id_, path, None, False, None, {}, 0, "", skipped.get(id_, "could not be read")
        )
        for position, (id_, path) in enumerate(zip(listing["id"], listing["path"], strict=True))
    ]


def _photo_answer(id_: str, path: str, rollouts: Sequence[dict[str, Any]]) -> PhotoAnswer:
    keys = [vote_key(row["answer"]) for row in rollouts]
    vote = majority_vote(keys)
    key, chosen = keys[vote.index], rollouts[vote.index]
    written = {
        key: row["answer"] for key, row in zip(reversed(keys), reversed(rollouts), strict=True)
    }
    votes = Counter(key for key in keys if key is not None).most_common()
    return PhotoAnswer(
        id=id_,
        path=path,
        answer=None if key == ABSTAINED else chosen["answer"],
        abstained=key == ABSTAINED,
        agreement=vote.share,
        votes={ABSTAINED if key == ABSTAINED else written[key]: count for key, count in votes},
        unparsed=keys.count(None),
        thinking=thinking(chosen["text"]),
        error="",
    )


def _rows(folder: Path) -> list[dict[str, Any]]:
    path = folder / NAME
    if not path.exists():  # no photo could be read
        return []
    columns = ["stage", "position", "index", "text", "answer"]
    rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    return [row for row in rows if row["stage"] == "predict"]


def _write_csv(path: Path, answers: Sequence[PhotoAnswer]) -> None:
    names = ("id", "answer", "abstained", "agreement", "votes", "unparsed", "error", "path")
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for one in answers:
            votes = "; ".join(f"{answer} ({count})" for answer, count in one.votes.items())
            row = {**asdict(one), "votes": votes}
            writer.writerow("" if row[name] is None else row[name] for name in names)


def _shown(photos: ImageDataset, place: int, one: PhotoAnswer) -> PhotoPrediction:
    sample = photos[place]
    assert isinstance(sample, Sample), "it could be read before"
    assert one.agreement is not None
    answers = [(answer, count) for answer, count in one.votes.items()]
    return PhotoPrediction(
        id=one.id,
        path=one.path,
        answer=one.answer,
        abstained=one.abstained,
        agreement=one.agreement,
        answers=[*answers, *([(None, one.unparsed)] if one.unparsed else [])],
        thinking=one.thinking,
        jpeg=encode(shrink(sample.image)),
    )


def _print(folder: Path, answers: Sequence[PhotoAnswer]) -> None:
    abstained = sum(one.abstained for one in answers)
    failed = sum(bool(one.error) for one in answers)
    named = sum(one.answer is not None for one in answers)
    Console().out(
        f"{len(answers)} photos: {named} named, {abstained} abstained, "
        f"{len(answers) - named - abstained - failed} without a readable answer, "
        f"{failed} could not be read\n{folder / 'predictions.html'}",
        highlight=False,
    )
