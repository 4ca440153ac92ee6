"""The one place where data sets come in: what a source gives is checked against its contract."""

from typing import TYPE_CHECKING, Any

from datasets.arrow_dataset import Dataset
from PIL.Image import Image

from speciarl_pl.contracts import breach, described, is_own, own_code
from speciarl_pl.errors import DataError

if TYPE_CHECKING:
    from speciarl_pl.data.source import ImageSource, Row

_COLUMNS = ("id", "truth", "subset")


def rows_of(source: "ImageSource") -> Dataset:
    """`source.rows()`, as `ImageSource.rows` promises it.

    Raises:
        DataError: Naming the class, what was expected and what came.
    """
    with own_code(source, "rows", DataError):
        rows: Any = source.rows()
    if not isinstance(rows, Dataset):
        expected = "a table, as by speciarl_pl.data.source.file_table"
        raise DataError(breach(source, "rows", expected, described(rows)))
    if absent := [name for name in _COLUMNS if name not in rows.column_names]:
        got = f"none named {', '.join(absent)} among {', '.join(rows.column_names)}"
        raise DataError(breach(source, "rows", f"the columns {', '.join(_COLUMNS)}", got))
    texts = [*_COLUMNS, *(["prompt"] if "prompt" in rows.column_names else [])]
    odd = [name for name in texts if len(rows) and not isinstance(rows[0][name], str)]
    if is_own(source) and odd:
        got = f"{odd[0]} {described(rows[0][odd[0]])}"
        raise DataError(breach(source, "rows", f"texts in {', '.join(texts)}", got))
    return rows


class ContractError(DataError):
    """An image source gives what is no image, or fails for a reason of its own."""


def check_image(source: "ImageSource", row: "Row", max_pixels: int) -> None:
    """Make sure that what a source gives for a row is an image, if the row can be read at all.

    Raises:
        ContractError: Naming the class, what was expected and what came.
    """
    try:
        image_of(source, row, max_pixels)
    except ContractError:
        raise
    except DataError:  # a file that cannot be read is no fault of the class
        return


def image_of(source: "ImageSource", row: "Row", max_pixels: int) -> Image:
    """`source.image(row)`, as `ImageSource.image` promises it.

    Raises:
        DataError: If it cannot be read; if it is no image in RGB, naming the class.
    """
    with own_code(source, "image", ContractError):
        image: Any = source.image(row, max_pixels)
    if not isinstance(image, Image):
        raise ContractError(breach(source, "image", "a PIL image in RGB", described(image)))
    if image.mode != "RGB":
        raise ContractError(breach(source, "image", "a PIL image in RGB", f"one in {image.mode}"))
    return image
