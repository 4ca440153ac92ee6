"""A table of rollouts, for the loggers that take one."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from PIL import Image

COLUMNS: Final = ("image", "truth", "answer", "verdict", "reward", "text", "data set", "id")
"""Of a table, in this order."""

SIDE: Final = 128
"""Longer side of its pictures, in pixels."""

_ACROSS: Final = 4
"""Pictures in a row of a sheet."""

_LONGEST: Final = 600
"""Characters of a text."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One rollout as a table shows it."""

    image: Image.Image
    """The picture, small; the same object in all rows of a group."""
    truth: str
    """Its label."""
    answer: str | None
    """What was read as the answer; None if nothing could be."""
    verdict: str
    """Category, `unparsed` or `unjudged`."""
    reward: float | None
    """None in validation, and where there is no verdict."""
    text: str
    """All that was said, cut where it is long."""
    dataset: str
    """Data set of the image."""
    id: str
    """The image in its data set."""


def table_row(image: Image.Image, row: dict[str, Any]) -> TableRow:
    """Make a row of a table.

    Args:
        image: The picture, small.
        row: As of rollouts.parquet.
    """
    text = row["text"]
    return TableRow(
        image,
        row["truth"],
        row["answer"],
        row["verdict"],
        row.get("reward"),
        text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...",
        row["dataset"],
        row["sample_id"],
    )


def small(image: Image.Image) -> Image.Image:
    """A copy of an image of at most `SIDE` pixels a side.

    Example:
        >>> small(Image.new("RGB", (800, 400))).size
        (128, 64)
    """
    copy = image.convert("RGB")
    copy.thumbnail((SIDE, SIDE))
    return copy


def log_table(logger: Logger, key: str, rows: Sequence[TableRow], step: int) -> bool:
    """Log a table, if the logger takes one.

    W&B, MLflow and TensorBoard take one, and any other logger with a method
    `log_table(key=, columns=, data=, step=)`, to which pictures are given as PIL images.

    Args:
        logger: The logger.
        key: Name of the table.
        rows: Its rows.
        step: Training batches before it.

    Returns:
        Whether it was logged.
    """
    write = _writer(logger)
    if write is None:
        return False
    write(logger, key, rows, step)
    return True


def _writer(logger: Logger) -> Callable[[Any, str, Sequence[TableRow], int], None] | None:
    if isinstance(logger, WandbLogger):
        return _to_wandb
    if isinstance(logger, MLFlowLogger):
        return _to_mlflow
    if isinstance(logger, TensorBoardLogger):
        return _to_tensorboard
    return _to_any if hasattr(logger, "log_table") else None


def _to_any(logger: Any, key: str, rows: Sequence[TableRow], step: int) -> None:
    data = [[row.image, *_cells(row)] for row in rows]
    logger.log_table(key=key, columns=list(COLUMNS), data=data, step=step)


def _to_wandb(logger: Any, key: str, rows: Sequence[TableRow], step: int) -> None:
    import wandb  # type: ignore[import-not-found, unused-ignore]

    data = [[wandb.Image(row.image), *_cells(row)] for row in rows]
    logger.log_table(key=key, columns=list(COLUMNS), data=data, step=step)


def _to_mlflow(logger: Any, key: str, rows: Sequence[TableRow], step: int) -> None:
    """An artifact a table: MLflow would read one that is added to, and write it anew."""
    import mlflow  # type: ignore[import-not-found, unused-ignore]

    columns: dict[str, list[Any]] = {"image": [mlflow.Image(row.image) for row in rows]}
    cells = [_cells(row) for row in rows]
    columns |= {name: [row[at] for row in cells] for at, name in enumerate(COLUMNS[1:])}
    file = f"{re.sub(r'[^A-Za-z0-9_./-]+', '_', key)}/step_{step:06d}.json"
    logger.experiment.log_table(logger.run_id, columns, artifact_file=file)


def _to_tensorboard(logger: Any, key: str, rows: Sequence[TableRow], step: int) -> None:
    """A sheet of the pictures, and a text that names them by their numbers on it."""
    pictures = list({id(row.image): row.image for row in rows}.values())
    places = {id(picture): place for place, picture in enumerate(pictures, 1)}
    logger.experiment.add_image(f"{key}/images", _sheet(pictures), step, dataformats="HWC")
    lines = [[str(places[id(row.image)]), *map(_markdown, _cells(row))] for row in rows]
    table = [list(COLUMNS), ["---"] * len(COLUMNS), *lines]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    logger.experiment.add_text(key, text, step)


def _cells(row: TableRow) -> list[Any]:
    """All of a row but the picture, in the order of `COLUMNS`."""
    return [row.truth, row.answer, row.verdict, row.reward, row.text, row.dataset, row.id]


def _markdown(cell: Any) -> str:
    """A cell as text: neither markup nor the end of the cell."""
    if cell is None:
        return ""
    text = f"{cell:.3g}" if isinstance(cell, float) else " ".join(str(cell).split())
    return html.escape(text).replace("|", "&#124;")


def _sheet(pictures: Sequence[Image.Image]) -> np.ndarray[Any, Any]:
    """All pictures on one, from left to right and from top to bottom."""
    across = min(_ACROSS, len(pictures))
    down = -(-len(pictures) // across)
    sheet = Image.new("RGB", (across * SIDE, down * SIDE), "white")
    for place, picture in enumerate(pictures):
        sheet.paste(picture, (place % across * SIDE, place // across * SIDE))
    return np.asarray(sheet)
