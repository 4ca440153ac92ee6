"""thumbnails.parquet: small pictures of some images, held to a size that a page can carry."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

from speciarl_pl.errors import RunError
from speciarl_pl.records import Sample
from speciarl_pl.run.rollouts import ImageKey
from speciarl_pl.system.files import replacing

NAME: Final = "thumbnails.parquet"
"""The file in a run directory."""

SCHEMA: Final = pa.schema(
    {
        "dataset": pa.string(),
        "sample_id": pa.string(),
        "width": pa.int32(),  # of the thumbnail
        "height": pa.int32(),
        "jpeg": pa.binary(),
    }
)
"""Its columns."""

MAX_BYTES: Final = 12_700
"""A larger picture is encoded anew, so that 200 stay below 3.4 MB as base64."""

SIDE: Final = 320
"""Longer side of a picture that is made here, in pixels."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture as a page shows it."""

    jpeg: bytes
    """The file; at most `MAX_BYTES` where that could be reached."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""


def write_thumbnails(path: Path, samples: Iterable[Sample]) -> None:
    """Write thumbnails of `samples`.

    Raises:
        RunError: If the file cannot be written.
    """
    rows = [
        {"dataset": one.dataset, "sample_id": one.id, **asdict(small_picture(one.image))}
        for one in samples
    ]
    with replacing(path) as part:
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), part)


def read_thumbnails(path: Path) -> dict[ImageKey, bytes]:
    """Read the pictures of a run, as they are, by image.

    Raises:
        RunError: If the file is not a table of pictures.
    """
    try:
        with path.open("rb") as file:  # pyarrow itself opens no path that is not UTF-8
            table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise _refused(path, "cannot be read as Parquet") from error
    columns = ("dataset", "sample_id", "jpeg")
    if missing := [name for name in columns if name not in table.column_names]:
        raise _refused(path, f"not a table of pictures: no column {missing[0]!r}")
    rows = zip(*(table[name].to_pylist() for name in columns), strict=True)
    return {(dataset, sample): jpeg for dataset, sample, jpeg in rows if jpeg}


def thumbnail(jpeg: bytes, max_bytes: int = MAX_BYTES) -> Thumbnail | None:
    """Check a picture, and shrink it until it has at most `max_bytes`.

    Returns:
        The picture; None if it cannot be read.

    Example:
        >>> file = BytesIO()
        >>> Image.effect_noise((400, 300), 80).save(file, "JPEG")
        >>> small = thumbnail(file.getvalue(), 8000)
        >>> len(small.jpeg) <= 8000, small.width < 400
        (True, True)
        >>> thumbnail(b"no picture") is None
        True
    """
    try:
        with Image.open(BytesIO(jpeg)) as image:
            image.load()
            known = Thumbnail(jpeg, *image.size)
            return known if _fits(image, jpeg, max_bytes) else small_picture(image, max_bytes)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None


def small_picture(image: Image.Image, max_bytes: int = MAX_BYTES) -> Thumbnail:
    """Make a picture of at most `SIDE` pixels a side and, by shrinking it, `max_bytes`.

    Example:
        >>> small = small_picture(Image.new("RGB", (800, 400)))
        >>> small.width, small.height
        (320, 160)
    """
    small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    while True:
        file = BytesIO()
        small.save(file, "JPEG", quality=70, optimize=True)
        if file.tell() <= max_bytes or max(small.size) <= 32:
            return Thumbnail(file.getvalue(), *small.size)
        small = small.resize((max(1, small.width * 4 // 5), max(1, small.height * 4 // 5)))


def _fits(image: Image.Image, jpeg: bytes, max_bytes: int) -> bool:
    return image.format == "JPEG" and len(jpeg) <= max_bytes


def pictures(runs: list[Mapping[ImageKey, bytes]]) -> dict[ImageKey, bytes]:
    """Pictures of several runs together; an image that several have is taken from the first."""
    return {key: jpeg for run in reversed(runs) for key, jpeg in run.items()}


def _refused(path: Path, found: str) -> RunError:
    return RunError(f"{path}: {found}; remove it for a report without pictures, or validate again")
