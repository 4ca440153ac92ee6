"""The CSV file behind a taxonomy."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from speciarl_pl.errors import JudgeError

_REQUIRED: Final = ("name", "parent")
_OPTIONAL: Final = ("synonyms", "generic", "also", "role")
_FLAGS: Final = {"": False, "no": False, "yes": True}
_ROLES: Final = ("", "loose", "distractor", "attribute")


@dataclass(frozen=True, slots=True)
class TaxonomyRow:
    """One node as the file gives it."""

    line: int
    """Line of the file on which the row ends, from 1; the header is line 1."""
    name: str
    """What the node is called; never blank."""
    parent: str
    """`name` of the node above; empty for a root."""
    synonyms: tuple[str, ...]
    """Other names of the same thing."""
    generic: bool
    """Whether the node is a generic answer for all that lies below it."""
    also: tuple[str, ...] = ()
    """`name` of other nodes directly above, as a role or a body style is beside a maker."""
    role: str = ""
    """`distractor` for what is only there to be wrong, `attribute` for what is wrong by itself and
    says nothing beside a name, as an airline does; `loose` for a kind of which not all members lie
    below it, as "pet", so that a thing beside it may be one; empty for any other node."""


def read_taxonomy_csv(path: Path) -> list[TaxonomyRow]:
    """Read a taxonomy: one node a row, UTF-8, columns `name,parent,synonyms,generic,also,role`.

    `parent` is empty for a root; `synonyms` are separated by `|`; `generic` is `yes`, `no` or
    empty; `also` names further parents, separated by `|`; `role` is `distractor` or `attribute` for
    what the tree names without knowing it, and such a node is never a truth, or `loose` for a kind
    of which not all members lie below it. The last four columns may be absent. Rows may stand in
    any order.

    Raises:
        JudgeError: If the file is missing or no UTF-8, a column is missing or unknown, or a row is
            malformed; names the file and the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_header(reader.fieldnames or (), path)
            return [_row(fields, reader.line_num, path) for fields in reader]
    except OSError as error:
        raise JudgeError(f"{path}: cannot read the taxonomy: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise JudgeError(f"{path}: expected a CSV file in UTF-8: {error}") from error


def _check_header(columns: Sequence[str], path: Path) -> None:
    missing = [name for name in _REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in (*_REQUIRED, *_OPTIONAL)]
    if missing or unknown or len(set(columns)) < len(columns):
        raise JudgeError(
            f"{path}, line 1: expected the columns name,parent,synonyms,generic,also,role; "
            f"got {','.join(columns)!r}"
        )


def _row(fields: Mapping[str | None, str | list[str] | None], line: int, path: Path) -> TaxonomyRow:
    if None in fields or None in fields.values():
        raise JudgeError(f"{path}, line {line}: expected as many fields as the header has columns")
    cells = {str(column): str(cell).strip() for column, cell in fields.items()}
    generic = cells.get("generic", "").lower()
    if not cells["name"]:
        raise JudgeError(f"{path}, line {line}: name: expected some text, got none")
    if generic not in _FLAGS:
        raise JudgeError(
            f"{path}, line {line}: generic: expected yes, no or nothing; got {generic!r}"
        )
    role = cells.get("role", "").lower()
    if role not in _ROLES:
        raise JudgeError(
            f"{path}, line {line}: role: expected loose, distractor, attribute or nothing; "
            f"got {role!r}"
        )
    synonyms, also = _names(cells.get("synonyms", "")), _names(cells.get("also", ""))
    return TaxonomyRow(line, cells["name"], cells["parent"], synonyms, _FLAGS[generic], also, role)


def _names(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in cell.split("|"))))
