"""What a report reads of rollouts.parquet: the last validation of each stage, image by image."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from speciarl_pl.category import OUTCOMES
from speciarl_pl.errors import RunError
from speciarl_pl.run.rollouts import ImageKey, Reply

StageName: TypeAlias = Literal["base", "val"]
"""`base` is the validation before training, `val` that of the trained model or of a `validate`."""

_OUTLINE: Final = ("stage", "step", "dataset", "sample_id", "truth", "index", "verdict", "detail")


@dataclass(frozen=True, slots=True)
class Rollouts:
    """Outcomes of the last validation of a stage."""

    path: Path
    """The file."""
    stage: StageName
    """Which of its stages."""
    step: int
    """Training batches before that validation."""
    codes: Mapping[ImageKey, np.ndarray]
    """int8 [rollouts of the image], in the order of their index; images in the file's order."""
    truths: Mapping[ImageKey, str]
    """Truth of each image."""
    sources: Mapping[str, int] = field(default_factory=dict)
    """Verdicts by the kind of judge that gave them, such as `taxonomy`."""


def read_rollouts(path: Path) -> dict[StageName, Rollouts]:
    """Read the outcomes of both stages; what is not there is left out, as are training rollouts.

    Raises:
        RunError: If the file is not a table of rollouts.
    """
    table = _read(path, _OUTLINE, [("stage", "in", ["base", "val"])])
    stages = np.asarray(table["stage"].to_pylist())
    steps = table["step"].to_numpy()
    found: dict[StageName, Rollouts] = {}
    names: tuple[StageName, ...] = ("base", "val")
    for stage in names:
        if not (stages == stage).any():
            continue
        step = int(steps[stages == stage].max())
        last = table.filter(pa.array((stages == stage) & (steps == step)))
        found[stage] = Rollouts(path, stage, step, *_by_image(path, last), _sources(last))
    return found


def read_replies(rollouts: Rollouts, images: Collection[ImageKey]) -> dict[ImageKey, list[Reply]]:
    """Read what was said about some images.

    Args:
        rollouts: The stage.
        images: Which images; those that it lacks are left out.

    Raises:
        RunError: If the file is not a table of rollouts.
    """
    wanted = set(images)
    ids = sorted({sample for _, sample in wanted})
    conditions = [
        ("stage", "=", rollouts.stage),
        ("step", "=", rollouts.step),
        ("sample_id", "in", ids),
    ]
    names = (*_OUTLINE, "text", "answer")
    rows = _read(rollouts.path, names, conditions, "prompt").to_pylist() if ids else []
    found: dict[ImageKey, list[Reply]] = {}
    for row in sorted(rows, key=lambda row: int(row["index"])):
        key = (row["dataset"], row["sample_id"])
        if key in wanted:
            detail, prompt = row["detail"] or "", row.get("prompt") or ""
            reply = Reply(row["text"] or "", row["answer"], row["verdict"], detail, prompt)
            found.setdefault(key, []).append(reply)
    return found


def _read(path: Path, columns: Collection[str], conditions: list[Any], newer: str = "") -> pa.Table:
    """Read columns, and the one that files of earlier versions lack if it is there."""
    try:
        with path.open("rb") as file:  # pyarrow itself opens no path that is not UTF-8
            there = set(pq.read_schema(file).names)
            missing = sorted(set(columns) - there)
            if missing:
                raise _refused(path, f"not a table of rollouts: no column {missing[0]!r}")
            names = [*columns, *({newer} & there)]
            return pq.read_table(file, columns=names, filters=conditions)
    except (OSError, pa.ArrowException) as error:
        raise _refused(path, f"cannot be read as Parquet ({_first_line(error)})") from error


def _by_image(
    path: Path, table: pa.Table
) -> tuple[dict[ImageKey, np.ndarray], dict[ImageKey, str]]:
    """Group the rows of one validation by image, in order of first appearance."""
    codes = _codes(path, table["verdict"])
    indices = table["index"].to_numpy()
    datasets, samples, truths = (
        table[name].to_pylist() for name in ("dataset", "sample_id", "truth")
    )
    rows: dict[ImageKey, list[int]] = {}
    for row, key in enumerate(zip(datasets, samples, strict=True)):
        rows.setdefault(key, []).append(row)
    grouped = {key: codes[sorted(own, key=indices.__getitem__)] for key, own in rows.items()}
    return grouped, {key: truths[own[0]] or "" for key, own in rows.items()}


def _sources(table: pa.Table) -> dict[str, int]:
    """Verdicts by what stands before the colon of their detail."""
    pairs = pa.table({"verdict": table["verdict"], "detail": table["detail"]})
    found: dict[str, int] = {}
    for row in pairs.group_by(["verdict", "detail"]).aggregate([([], "count_all")]).to_pylist():
        if OUTCOMES[row["verdict"]] >= 0 and row["detail"]:
            kind = row["detail"].partition(":")[0]
            found[kind] = found.get(kind, 0) + row["count_all"]
    return found


def _codes(path: Path, verdicts: pa.ChunkedArray) -> np.ndarray:
    encoded = verdicts.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    if unknown := [name for name in names if name not in OUTCOMES]:
        raise _refused(path, f"verdict: expected one of {', '.join(OUTCOMES)}; got {unknown[0]!r}")
    if encoded.null_count:
        raise _refused(path, "verdict: expected one in every row, got none in some")
    codes: np.ndarray = np.asarray([OUTCOMES[name] for name in names], np.int8)
    taken: np.ndarray = np.take(codes, encoded.indices.to_numpy())
    return taken


def _refused(path: Path, found: str) -> RunError:
    return RunError(
        f"{path}: {found}; validate writes it anew (python -m speciarl_pl validate --config CONFIG "
        "--run_dir DIR), and without the file the report has no gallery"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
