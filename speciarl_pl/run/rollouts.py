"""One rollout as a row of rollouts.parquet."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from speciarl_pl.category import OUTCOMES, Category
from speciarl_pl.errors import RunError
from speciarl_pl.records import (
    Answer,
    JudgedGroup,
    Outcome,
    ScoredGroup,
    Unparsed,
    Verdict,
)
from speciarl_pl.system.files import replacing

SCHEMA: Final = pa.schema(
    {
        "stage": pa.string(),  # base, train, val or predict
        "step": pa.int64(),  # training batches before it
        "position": pa.int64(),  # of the sample among all of its stage
        "dataset": pa.string(),
        "sample_id": pa.string(),
        "subset": pa.string(),
        "truth": pa.string(),
        "index": pa.int32(),  # which rollout of its group
        "text": pa.string(),
        "answer": pa.string(),  # null if unparsed
        "verdict": pa.string(),  # category, unparsed or unjudged
        "detail": pa.string(),  # source of the verdict, or why there is none
        "reward": pa.float32(),  # null in validation and where unjudged
        "advantage": pa.float32(),
        "tokens": pa.int32(),
        "finish_reason": pa.string(),
        "seed": pa.int64(),
    }
)
"""Columns of rollouts.parquet."""


def judged_rows(judged: JudgedGroup, stage: str, step: int) -> Iterator[dict[str, Any]]:
    """Rows of one group, without rewards."""
    sample = judged.group.sample
    rollouts = zip(judged.group.rollouts, judged.answers, judged.outcomes, strict=True)
    for index, (rollout, answer, outcome) in enumerate(rollouts):
        verdict, detail = _verdict(outcome)
        yield {
            "stage": stage,
            "step": step,
            "position": sample.position,
            "dataset": sample.dataset,
            "sample_id": sample.id,
            "subset": sample.subset,
            "truth": sample.truth,
            "index": index,
            "text": rollout.text,
            "answer": answer.text if isinstance(answer, Answer) else None,
            "verdict": verdict,
            "detail": detail,
            "tokens": rollout.tokens.numel(),
            "finish_reason": rollout.finish_reason,
            "seed": rollout.seed,
        }


def scored_rows(scored: ScoredGroup, step: int) -> Iterator[dict[str, Any]]:
    """Rows of one training group."""
    rewards, advantages = scored.rewards.tolist(), scored.advantages.tolist()
    for row in judged_rows(scored.judged, "train", step):
        reward = rewards[row["index"]]
        known = reward == reward  # NaN where there is no verdict
        yield {**row, "reward": reward if known else None, "advantage": advantages[row["index"]]}


def _verdict(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome, Verdict):
        return Category(outcome.category).label, outcome.source
    return ("unparsed" if isinstance(outcome, Unparsed) else "unjudged"), outcome.reason


# The parts in which rollouts are written, and the one file into which they are joined.


NAME: Final = "rollouts.parquet"
"""The joined file in a run directory."""

_KEY: Final = ("stage", "step", "dataset", "sample_id", "index")
"""Columns that tell a rollout."""

_SETTINGS: Final = b"speciarl_pl.settings"
"""Key of the settings in the metadata of a file."""


class RolloutFiles:
    """Rollouts of a run on disk.

    Args:
        directory: Run directory, which all ranks see.
        rank: Of this process; each writes parts of its own.
    """

    def __init__(self, directory: Path, rank: int = 0) -> None:
        self.path = directory / NAME
        self._folder = directory / "rollouts.parts"
        self._rank = rank
        self._written: int | None = None

    def write_part(
        self, rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any] | None = None
    ) -> None:
        """Write `rows` as a part of their own, whole or not at all.

        Ranks that write together number their parts alike, also one that has no rows, so that the
        order of all is the same in every run.

        Args:
            rows: As of `judged_rows`.
            settings: What the rows depend on, if another run may go on from them.

        Raises:
            RunError: If it cannot be written.
        """
        if self._written is None:
            own = self._folder.glob(f"*-{self._rank}.parquet")
            self._written = max((int(path.name.partition("-")[0]) + 1 for path in own), default=0)
        self._written += 1
        if not rows:
            return
        path = self._folder / f"{self._written - 1:06d}-{self._rank}.parquet"
        with replacing(path) as part:
            pq.write_table(pa.Table.from_pylist(list(rows), _schema(settings)), part)

    def read(
        self, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[pa.Table, dict[str, Any] | None]]:
        """Give the content of each file with its settings, in the order of writing.

        Args:
            columns: Those to read; None for all.

        Raises:
            RunError: If a file is not one of these.
        """
        for path in self._files():
            try:
                table = pq.read_table(path, schema=SCHEMA, columns=columns)
                metadata = pq.read_schema(path).metadata or {}
                settings = metadata.get(_SETTINGS)
                yield table, None if settings is None else json.loads(settings)
            except (OSError, ValueError, pa.ArrowException) as error:
                raise RunError(
                    f"{path}: not rollouts of a run ({error}); move it away or choose another "
                    "--run_dir"
                ) from error

    def join(self) -> None:
        """Put all parts behind what the one file holds; a later row replaces an earlier.

        Rows of a validation come in the order of the data.
        """
        parts = sorted(self._folder.glob("*.parquet"))
        if not parts:
            return
        found = list(self.read())
        table = pa.concat_tables(table for table, _ in found)
        with replacing(self.path) as part:
            pq.write_table(_ordered(table).replace_schema_metadata(_metadata(found[-1][1])), part)
        for file in parts:
            file.unlink()
        self._written = None
        with suppress(OSError):  # after an exception another rank may still be writing its part
            self._folder.rmdir()

    def keep(self, wanted: Callable[[pa.Table], pa.ChunkedArray]) -> None:
        """Join, and leave out all rows but some.

        Args:
            wanted: Says of each row whether to keep it.
        """
        self.join()
        if not self.path.exists():
            return
        ((table, settings),) = self.read()
        kept = table.filter(wanted(table))
        if kept.num_rows < table.num_rows:
            with replacing(self.path) as part:
                pq.write_table(kept.replace_schema_metadata(_metadata(settings)), part)

    def _files(self) -> list[Path]:
        parts = sorted(self._folder.glob("*.parquet"))
        return [self.path, *parts] if self.path.exists() else parts


def _schema(settings: Mapping[str, Any] | None) -> pa.Schema:
    return SCHEMA.with_metadata(_metadata(settings))


def _metadata(settings: Mapping[str, Any] | None) -> dict[bytes, bytes] | None:
    return None if settings is None else {_SETTINGS: json.dumps(settings, sort_keys=True).encode()}


def _ordered(table: pa.Table) -> pa.Table:
    """The last row of each rollout: steps as they came, in each the samples by position."""
    places = pa.array(range(table.num_rows), pa.int64())
    rows = table.select([*_KEY, "position"]).append_column("place", places)
    last = rows.group_by(list(_KEY)).aggregate([("place", "max"), ("position", "max")])
    begun = rows.group_by(["stage", "step"]).aggregate([("place", "min")])
    last = last.join(begun, ["stage", "step"])
    # Training keeps the order of its batches, which is not that of the data.
    training = pc.equal(last["stage"], "train")
    position = pc.if_else(training, 0, last["position_max"])
    order = pa.table(
        [last["place_min"], position, last["place_max"]], ["step", "position", "place"]
    )
    return table.take(order.sort_by([(name, "ascending") for name in order.column_names])["place"])


# The validation rollouts of a run, image by image, out of rollouts.parquet.


ImageKey: TypeAlias = tuple[str, str]
"""Data set and sample id."""

StageName: TypeAlias = Literal["base", "val"]
"""`base` is the validation before training, `val` that of the trained model or of a `validate`."""

_OUTLINE: Final = ("stage", "step", "dataset", "sample_id", "truth", "index", "verdict", "detail")
_WHOLE: Final = (*_OUTLINE, "text", "answer")


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


@dataclass(frozen=True, slots=True)
class Reply:
    """One rollout as the gallery needs it."""

    text: str
    """The completion as written."""
    answer: str | None
    """None if no answer could be read."""
    verdict: str
    """Label of the category, `unparsed` or `unjudged`."""
    detail: str
    """Where the verdict is from, or why there is none."""


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
    rows = _read(rollouts.path, _WHOLE, conditions).to_pylist() if ids else []
    found: dict[ImageKey, list[Reply]] = {}
    for row in sorted(rows, key=lambda row: int(row["index"])):
        key = (row["dataset"], row["sample_id"])
        if key in wanted:
            reply = Reply(row["text"] or "", row["answer"], row["verdict"], row["detail"] or "")
            found.setdefault(key, []).append(reply)
    return found


def _read(path: Path, columns: Collection[str], conditions: list[Any]) -> pa.Table:
    try:
        with path.open("rb") as file:  # pyarrow itself opens no path that is not UTF-8
            missing = sorted(set(columns) - set(pq.read_schema(file).names))
            if missing:
                raise _refused(path, f"not a table of rollouts: no column {missing[0]!r}")
            return pq.read_table(file, columns=list(columns), filters=conditions)
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
