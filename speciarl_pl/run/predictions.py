"""predictions.jsonl and .csv: what the policy says of photos without labels."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from speciarl_pl.answer import thinking
from speciarl_pl.metrics.functional import majority_vote
from speciarl_pl.run.rollouts import Reply
from speciarl_pl.step.validation import ABSTAINED, vote_key
from speciarl_pl.system.csv_cells import escaped, safe_cells
from speciarl_pl.system.files import replacing


@dataclass(frozen=True, slots=True)
class PhotoPrediction:
    """What the rollouts of one photo say together."""

    id: str
    """The photo, as a user knows it."""
    path: str
    """Its file."""
    answer: str | None
    """The answer that most rollouts give; None if they abstain or give none."""
    abstained: bool
    """Whether most decline to answer."""
    agreement: float | None
    """Share of the rollouts that agree with the answer or abstention; None without rollouts."""
    answers: Sequence[tuple[str | None, int]]
    """All answers with their votes, the most frequent first; `none` stands for all refusals, None
    for no readable answer."""
    thinking: str
    """What the first rollout with that answer thought."""
    error: str = ""
    """Why the photo could not be read; empty if it could."""
    jpeg: bytes = b""
    """A picture of it as a JPEG file; empty if there is none."""


def photo_predictions(
    photos: Sequence[tuple[str, str]],
    said: Mapping[int, Sequence[Reply]],
    skipped: Mapping[str, str],
    thinking_opened: bool = False,
) -> list[PhotoPrediction]:
    """Put the rollouts of each photo together.

    Args:
        photos: Id and path of all photos; one of which nothing was said could not be read.
        said: Rollouts by the position of their photo.
        skipped: Why photos could not be read, by id, as far as this process knows.
        thinking_opened: Whether the chat template opens `<think>`.
    """
    return [
        _prediction(id_, path, said[position], thinking_opened)
        if position in said
        else PhotoPrediction(
            id_, path, None, False, None, (), "", skipped.get(id_, "could not be read")
        )
        for position, (id_, path) in enumerate(photos)
    ]


def _prediction(
    id_: str, path: str, rollouts: Sequence[Reply], thinking_opened: bool
) -> PhotoPrediction:
    keys = [vote_key(one.answer) for one in rollouts]
    vote = majority_vote(keys)
    chosen, abstained = rollouts[vote.index], keys[vote.index] == ABSTAINED
    written = {ABSTAINED: ABSTAINED, None: None}
    for key, one in zip(keys, rollouts, strict=True):
        written.setdefault(key, one.answer)
    return PhotoPrediction(
        id=id_,
        path=path,
        answer=None if abstained else chosen.answer,
        abstained=abstained,
        agreement=vote.share,
        answers=[(written[key], votes) for key, votes in Counter(keys).most_common()],
        thinking=thinking(chosen.text, thinking_opened),
    )


def write_jsonl(path: Path, predictions: Sequence[PhotoPrediction]) -> None:
    """Write a line a photo."""
    with replacing(path) as part, part.open("w", encoding="utf-8") as file:
        for one in predictions:
            file.write(json.dumps(_fields(one), ensure_ascii=False) + "\n")


def write_csv(path: Path, predictions: Sequence[PhotoPrediction]) -> list[str]:
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
