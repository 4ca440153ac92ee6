"""Files of pairs to audit a judge with."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from speciarl_pl.category import Category
from speciarl_pl.errors import DataError
from speciarl_pl.records import Pair
from speciarl_pl.system.csv_cells import original_cell

_TRUTHS: Final = ("truth", "ground_truth")
_DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
_KNOWN: Final = (*_TRUTHS, "prediction", "category", "dataset")


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """One row of a pair file."""

    pair: Pair
    """Truth and prediction, as written."""
    line: int
    """Line of the file on which the row ends, from 1."""
    dataset: str = ""
    """Name of the data set; empty if the file gives none."""
    category: Category | None = None
    """The level a human gave the prediction; None if the row has no label."""


@dataclass(frozen=True, slots=True)
class PairFile:
    """What a pair file holds, or a random sample of it."""

    name: str
    """Name of the file, without its folders."""
    rows: int
    """Rows of the whole file."""
    pairs: tuple[LabelledPair, ...]
    """Rows of the sample, in the order of the file."""

    @property
    def duplicates(self) -> int:
        """Rows of the sample whose truth and prediction stand, as written, in an earlier one."""
        return len(self.pairs) - len({row.pair for row in self.pairs})

    @property
    def labelled(self) -> int:
        """Rows of the sample with a label."""
        return sum(row.category is not None for row in self.pairs)

    def sample(self, limit: int | None, seed: int = 0) -> "PairFile":
        """Draw `limit` rows at random, for files are often sorted; all of them if None.

        Raises:
            ValueError: If `limit` is not positive.
        """
        if limit is None:
            return self
        if limit < 1:
            raise ValueError(f"limit: expected an int >= 1, got {limit}")
        if limit >= len(self.pairs):
            return self
        drawn = np.random.default_rng(seed).choice(len(self.pairs), limit, replace=False)
        return replace(self, pairs=tuple(self.pairs[place] for place in sorted(drawn)))


def read_pairs(path: Path) -> PairFile:
    r"""Read a pair file in UTF-8: `.csv`, `.tsv` (quoted as CSV is) or `.jsonl` (an object a line).

    Columns: `truth` (or `ground_truth`), `prediction` and, if wanted, `category` (a label of
    `Category`, or nothing) and `dataset`, which the pair carries to the judge. Others are left
    alone. Equal rows are kept. Truths and predictions are taken as written, but for the `'` before
    what a spreadsheet would run; a prediction may be blank, a truth may not.

    Raises:
        DataError: If the file cannot be read or a row is malformed; names the file and the line.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "pairs.csv")
        ...     _ = path.write_text("truth,prediction,category\nSamoyed,dog,generic\n")
        ...     read_pairs(path).pairs[0].category.label
        'generic'
    """
    suffix = path.suffix.lower()
    if suffix not in (*_DELIMITERS, ".jsonl"):
        raise DataError(f"{path}: expected a file of pairs: .csv, .tsv or .jsonl")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _tables(file, path) if suffix in _DELIMITERS else _objects(file, path)
            pairs = tuple(_row(fields, line, path) for line, fields in rows)
    except OSError as error:
        raise DataError(f"{path}: cannot read the pairs: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected a file in UTF-8: {error}") from error
    return PairFile(path.name, len(pairs), pairs)


def _tables(file: TextIO, path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Line and cells of each row that is not empty."""
    reader = csv.reader(file, delimiter=_DELIMITERS[path.suffix.lower()], strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header, path)
        for cells in reader:
            if cells and len(cells) != len(header):
                raise _bad(path, reader.line_num, f"expected {len(header)} fields", len(cells))
            if cells:
                yield reader.line_num, dict(zip(header, map(original_cell, cells), strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: malformed: {error}") from error


def _check_header(header: Sequence[str], path: Path) -> None:
    counts = {name: header.count(name) for name in _KNOWN}
    truths = sum(counts[name] for name in _TRUTHS)
    if truths != 1 or counts["prediction"] != 1 or max(counts.values()) > 1:
        expected = "expected the columns truth (or ground_truth), prediction, each once"
        raise _bad(path, 1, expected, ", ".join(header))


def _objects(file: TextIO, path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Line and fields of each object."""
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {line}: expected a JSON object: {error}") from error
        if not isinstance(fields, dict):
            raise _bad(path, line, "expected a JSON object", text)
        if sum(name in fields for name in _TRUTHS) != 1 or "prediction" not in fields:
            expected = "expected the keys truth (or ground_truth) and prediction"
            raise _bad(path, line, expected, ", ".join(fields))
        yield line, fields


def _row(fields: Mapping[str, object], line: int, path: Path) -> LabelledPair:
    texts = {
        name: _text(name, fields[name], line, path) for name in _KNOWN if fields.get(name, "") != ""
    }
    truth = "".join(texts.get(name, "") for name in _TRUTHS)
    if not truth.strip():
        raise DataError(f"{path}, line {line}: truth: expected some text, got none")
    label = texts.get("category", "").strip()
    try:
        category = Category.parse(label.lower()) if label else None
    except ValueError as error:
        raise DataError(f"{path}, line {line}: {error}") from error
    dataset = texts.get("dataset", "").strip()
    return LabelledPair(Pair(truth, texts.get("prediction", ""), dataset), line, dataset, category)


def _text(name: str, value: object, line: int, path: Path) -> str:
    if value is None and name in ("category", "dataset"):
        return ""
    if not isinstance(value, str):
        raise _bad(path, line, f"{name}: expected a text", value)
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half a character, escaped in JSON
        raise DataError(f"{path}, line {line}: {name}: no valid Unicode: {error}") from error
    return value


def _bad(path: Path, line: int, expected: str, got: object) -> DataError:
    return DataError(f"{path}, line {line}: {expected}; got {str(got)[:200]!r}")
