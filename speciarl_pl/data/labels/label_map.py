"""A file that says what ids stand for."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from speciarl_pl.data.reading.listing import require_file
from speciarl_pl.data.reading.lists import read_pairs
from speciarl_pl.data.reading.shown import shown
from speciarl_pl.data.reading.tables import read_columns
from speciarl_pl.data.reading.text_file import read_text
from speciarl_pl.errors import DataError
from speciarl_pl.text import tidy

LabelMap: TypeAlias = Mapping[str, str]
"""Key of an id (see `id_key`) -> name."""

EXPECTED: Final = (
    "ids and names: CSV or TSV with the columns id,name (or two columns in that order), JSON such"
    ' as {"102": "Samoyed"}, or .txt with an id and a name on each line'
)


def read_label_map(file: str | Path) -> LabelMap:
    """Read what ids stand for.

    JSON may also be the list of names in the order of their numbers, a list of objects with `id`
    and `name` (alone or as COCO's `categories`), ImageNet's class index, or a `class_to_idx`.

    Args:
        file: Its name's ending tells its format: .csv, .tsv, .jsonl, .parquet, .json or .txt.

    Raises:
        DataError: If it cannot be read so, a name is empty, or an id has two names.
    """
    path = require_file(file, EXPECTED)
    ending = path.suffix.lower()
    pairs: Iterable[tuple[Any, Any]]
    if ending == ".json":
        pairs = _of_json(path)
    elif ending == ".txt":
        pairs = read_pairs(path, "an id and a name, such as n02111889 Samoyed")
    else:
        pairs = _of_table(path)
    names: dict[str, str] = {}
    for written, name in pairs:
        key, clean = id_key(str(written)), tidy(str(name)) if name is not None else ""
        if not key or not clean:
            raise DataError(f"{path}: id {shown(written)} has the name {shown(name)}; fill it in")
        if names.setdefault(key, clean) != clean:
            raise DataError(
                f"{path}: id {shown(written)} has two names, {shown(names[key])} and"
                f" {shown(clean)}; keep one"
            )
    if not names:
        raise DataError(f"{path}: holds no id; expected {EXPECTED}")
    return names


def id_key(written: str) -> str:
    """Form under which two spellings are one id: tidied, and a number without leading zeros.

    Example:
        >>> id_key("00102"), id_key(" n02111889 "), id_key("000")
        ('102', 'n02111889', '0')
    """
    plain = tidy(written)
    return str(int(plain)) if plain.isascii() and plain.isdecimal() else plain


def _of_table(path: Path) -> Iterable[tuple[Any, Any]]:
    columns = read_columns(path)
    if {"id", "name"} <= columns.keys():
        return zip(columns["id"], columns["name"], strict=True)
    if len(columns) != 2:
        raise DataError(
            f"{path}: the columns there are {shown(list(columns))}; expected id and name"
        )
    header = tuple(columns)  # may be the first id and its name
    return [header, *zip(*columns.values(), strict=True)]


def _of_json(path: Path) -> Iterator[tuple[Any, Any]]:
    try:
        found = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: no JSON ({error}); expected {EXPECTED}") from None
    if isinstance(found, dict) and isinstance(found.get("categories"), list):
        found = found["categories"]
    if isinstance(found, dict):
        yield from _of_object(path, found)
    elif isinstance(found, list):
        yield from _of_list(path, found)
    else:
        raise DataError(f"{path}: {shown(found)}; expected {EXPECTED}")


def _of_object(path: Path, found: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    if found and all(isinstance(value, int) for value in found.values()):
        yield from ((number, name) for name, number in found.items())  # class_to_idx
        return
    for key, value in found.items():
        if isinstance(value, list) and len(value) == 2:  # ImageNet's class index
            yield value[0], value[1]
            value = value[1]
        if not isinstance(value, str):
            raise DataError(f"{path}: id {shown(key)} is {shown(value)}; expected {EXPECTED}")
        yield key, value


def _of_list(path: Path, found: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    for number, one in enumerate(found):
        if isinstance(one, str):
            yield number, one
        elif isinstance(one, dict) and {"id", "name"} <= one.keys():
            yield one["id"], one["name"]
        else:
            raise DataError(f"{path}: entry {number} is {shown(one)}; expected {EXPECTED}")
