"""rollouts.parquet: its columns, who writes it, and what is read of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

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
    Unjudged,
    Unparsed,
    Verdict,
)
from speciarl_pl.step.validation import ImageOutcomes, vote_key
from speciarl_pl.system.files import replacing

NAME: Final = "rollouts.parquet"
"""The file in a run directory."""

PARTS: Final = "rollouts.parts"
"""Folder of what is not joined into it yet."""

SCHEMA: Final = pa.schema(
    {
        "stage": pa.string(),  # base, train, val or predict
        "step": pa.int64(),  # training batches before it
        "position": pa.int64(),  # of the sample among all of its stage
        "dataset": pa.string(),
        "sample_id": pa.string(),
        "subset": pa.string(),
        "truth": pa.string(),
        "prompt": pa.string(),  # its own question; null where it is that of all samples
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


_KEY: Final = ("stage", "step", "dataset", "sample_id", "index")
"""Columns that tell a rollout."""

_SETTINGS: Final = b"speciarl_pl.settings"
"""Key of the settings in the metadata of a file."""

ImageKey: TypeAlias = tuple[str, str]
"""Data set and sample id."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one rollout said, and what the judge said of it."""

    text: str
    """The completion as written."""
    answer: str | None
    """None if no answer could be read."""
    verdict: str
    """Label of the category, `unparsed` or `unjudged`."""
    detail: str
    """Where the verdict is from, or why there is none."""
    prompt: str = ""
    """What was asked, where it is the sample's own question."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer to one image beside its truth.

    Example:
        >>> Prediction("Samoyed", "dog", Category.GENERIC, "taxonomy:ancestor").outcome.source
        'taxonomy:ancestor'
    """

    truth: str
    """The label, as written; blank for a photo without one."""
    answer: str | None
    """The answer, as written; None if the rollout is unparsed."""
    verdict: Category | str | None = None
    """What the judge of the run said, also by its label; None or `unjudged` if nothing."""
    source: str = ""
    """Source of the verdict, as in `Verdict`."""
    sample_id: str = ""
    """Image asked about; answers to one image are not independent. Empty: an image of its own."""

    @property
    def outcome(self) -> Outcome:
        """The same as the judge's record.

        Raises:
            ValueError: If `verdict` is a text but no label.
        """
        if self.answer is None:
            return Unparsed("no answer")
        if self.verdict is None or self.verdict == "unjudged":
            return Unjudged("no verdict")
        said = self.verdict
        return Verdict(Category.parse(said) if isinstance(said, str) else said, self.source)


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
            "prompt": sample.prompt if sample.own_prompt else None,
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


class RolloutFiles:
    """Rollouts of a run on disk: parts, while it goes on, and the one file.

    Args:
        directory: Run directory, which all ranks see.
        rank: Of this process; each writes parts of its own.
    """

    def __init__(self, directory: Path, rank: int = 0) -> None:
        self.path = directory / NAME
        self._folder = directory / PARTS
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
        if rows:
            path = self._folder / f"{self._written - 1:06d}-{self._rank}.parquet"
            _write(path, pa.Table.from_pylist(list(rows), SCHEMA), settings)

    def join(self) -> None:
        """Put all parts behind what the one file holds; a later row replaces an earlier.

        Rows of a validation come in the order of the data.
        """
        parts = sorted(self._folder.glob("*.parquet"))
        if not parts:
            return
        found = list(self.read())
        _write(self.path, _ordered(pa.concat_tables(table for table, _ in found)), found[-1][1])
        for file in parts:
            file.unlink()
        self._written = None
        with suppress(OSError):  # after an exception another rank may still be writing its part
            self._folder.rmdir()

    def keep_before(self, ends: Mapping[str, int]) -> None:
        """Join, and leave out what comes after some step.

        Args:
            ends: By stage the step before which its rows are kept; other stages are left out.
        """
        self.join()
        for table, settings in self.read():
            wanted = pa.chunked_array([pa.array([False] * table.num_rows)])
            for stage, end in ends.items():
                of_stage = pc.and_(pc.equal(table["stage"], stage), pc.less(table["step"], end))
                wanted = pc.or_(wanted, of_stage)
            kept = table.filter(wanted)
            if kept.num_rows < table.num_rows:
                _write(self.path, kept, settings)

    def read(
        self, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[pa.Table, dict[str, Any] | None]]:
        """Give the content of each file with its settings, in the order of writing.

        Args:
            columns: Those to read; None for all.

        Raises:
            RunError: If a file is not one of these.
        """
        parts = sorted(self._folder.glob("*.parquet"))
        for path in [self.path, *parts] if self.path.exists() else parts:
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

    def images(self, stage: str, settings: Mapping[str, Any]) -> list[ImageOutcomes]:
        """What there is of each image, in the order of the data; of a rollout the last row.

        Args:
            stage: Of which rows.
            settings: What they have to depend on.

        Raises:
            RunError: If rows were made under other settings, naming those that differ.
        """
        rollouts: dict[tuple[int, str], dict[int, tuple[int, str | None, bool]]] = {}
        for _, known in self.read(["stage"]):
            self._check_settings(settings, known or {})
        names = ("position", "dataset", "index", "verdict", "answer", "finish_reason")
        for position, dataset, index, verdict, answer, end in self._rows(stage, *names):
            image = rollouts.setdefault((position, dataset), {})
            image[index] = (OUTCOMES[verdict], vote_key(answer), end == "length")
        return [_image(*name, rollouts[name]) for name in sorted(rollouts)]

    def predictions(self, stage: str) -> dict[str, list[Prediction]]:
        """What a stage predicted, by data set, in the order of the data, once all is joined."""
        found: dict[str, list[Prediction]] = {}
        names = ("dataset", "truth", "answer", "verdict", "detail", "sample_id")
        for dataset, *fields in self._rows(stage, *names):
            found.setdefault(dataset, []).append(Prediction(*fields))
        return found

    def replies(self, stage: str) -> dict[int, list[Reply]]:
        """What a stage said of each image, by its position, once all is joined."""
        found: dict[int, list[Reply]] = {}
        for position, *fields in self._rows(stage, "position", *Reply.__slots__):
            found.setdefault(position, []).append(Reply(*fields))
        return found

    def _rows(self, stage: str, *columns: str) -> Iterator[tuple[Any, ...]]:
        for table, _ in self.read(["stage", *columns]):
            own = table.filter(pc.equal(table["stage"], stage))
            yield from zip(*(own[name].to_pylist() for name in columns), strict=True)

    def _check_settings(self, settings: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        differing = [name for name in settings if known.get(name) != settings[name]]
        if differing:
            raise RunError(
                f"run directory {self.path.parent}: holds rollouts made with another "
                f"{', '.join(differing)}; choose another --run_dir, or remove {NAME} and {PARTS} "
                "from this one"
            )


def _write(path: Path, table: pa.Table, settings: Mapping[str, Any] | None) -> None:
    written = json.dumps(settings, sort_keys=True).encode()
    metadata = None if settings is None else {_SETTINGS: written}
    with replacing(path) as part:
        pq.write_table(table.replace_schema_metadata(metadata), part)


def _image(
    position: int, dataset: str, rollouts: Mapping[int, tuple[int, str | None, bool]]
) -> ImageOutcomes:
    codes, keys, cut = zip(*(rollouts[index] for index in sorted(rollouts)), strict=True)
    return ImageOutcomes(dataset, position, codes, keys, sum(cut))


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
