"""The parts in which rollouts are written, and the one file into which they are joined."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from speciarl_pl.callbacks.rollout_rows import SCHEMA
from speciarl_pl.errors import RunError
from speciarl_pl.run_files import replacing

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
