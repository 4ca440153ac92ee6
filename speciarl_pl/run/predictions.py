"""predictions.jsonl and .csv: what the policy says of photos without labels."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from speciarl_pl.answer import thinking
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.metrics.functional import majority_vote
from speciarl_pl.run.rollouts import Reply
from speciarl_pl.step.validation import ABSTAINED, vote_key
from speciarl_pl.system.csv_cells import escaped, safe_cells
from speciarl_pl.system.files import replacing

_MOST: Final = 0.5
"""Share of the photos from which on one answer to them is odd."""

_FEW: Final = 3
"""Photos with one answer below which that says nothing."""


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
