"""Columns of pictures, as the `datasets` library or any other writer of Parquet stores them."""

from collections.abc import Mapping
from typing import Any, Final, cast

from datasets.arrow_dataset import Dataset
from datasets.features import Features, Sequence, Value
from datasets.features import Image as ImageFeature

from speciarl_pl.data.reading.shown import shown
from speciarl_pl.errors import DataError

_BYTES: Final = ("binary", "large_binary")
_TEXT: Final = ("string", "large_string")


def check_image_feature(features: Mapping[str, Any], column: str, path: str) -> None:
    """Refuse a column that cannot hold pictures.

    Raises:
        DataError: Naming the columns that can.
    """
    if _holds_pictures(features[column]):
        return
    others = [name for name, feature in features.items() if _holds_pictures(feature)]
    if others:
        advice = f"those that do: {', '.join(map(repr, others))}; give one as `image_column`"
    elif _is_value(features[column], _TEXT):
        advice = "it holds text; a table of paths of images is read by ImageTable"
    else:
        advice = f"it holds {shown(str(features[column]))[1:-1]}"
    raise DataError(f"{path}: column {column!r} does not hold images; {advice}")


def undecoded(table: Dataset, column: str) -> Dataset:
    """Have the library hand out pictures as they are stored."""
    feature = table.features[column]
    if not _has_image(feature):
        return table
    raw = ImageFeature(decode=False)
    kind = raw if isinstance(feature, ImageFeature) else Sequence(raw)
    return cast(Dataset, table.cast_column(column, kind))


def cell_image(cell: Any, name: str, column: str) -> bytes | str:
    """Find the picture in a cell.

    Args:
        cell: Bytes, a record of `bytes` and `path`, or a list of one of these.
        name: What to call the row in an error.
        column: Name of the column, for an error.

    Returns:
        The bytes of an image file, or its path.

    Raises:
        DataError: If there is none, or more than one.
    """
    if isinstance(cell, list):
        if len(cell) > 1:
            raise DataError(f"{name}: {len(cell)} images in {column!r}; expected one")
        cell = cell[0] if cell else None
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    if not cell:
        raise DataError(f"{name}: no image in {column!r}")
    if not isinstance(cell, bytes | str):
        raise DataError(f"{name}: {shown(cell)} in {column!r}; expected an image")
    return cell


def _holds_pictures(feature: Any) -> bool:
    inner = _inner(feature)
    if isinstance(inner, Features | dict):
        return _is_value(inner.get("bytes"), _BYTES)
    return isinstance(inner, ImageFeature) or _is_value(inner, _BYTES)


def _has_image(feature: Any) -> bool:
    return isinstance(_inner(feature), ImageFeature)


def _inner(feature: Any) -> Any:
    """What the items of a list are; anything else itself."""
    if isinstance(feature, list) and feature:
        return feature[0]
    return getattr(feature, "feature", feature)


def _is_value(feature: Any, kinds: tuple[str, ...]) -> bool:
    return isinstance(feature, Value) and feature.dtype in kinds
