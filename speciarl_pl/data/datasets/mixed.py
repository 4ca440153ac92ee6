"""A mix of several data sets in given shares, to train on."""

import json
import math
from collections.abc import Sequence
from typing import Any

from datasets.arrow_dataset import Dataset
from PIL.Image import Image

from speciarl_pl.data.images.opening import MAX_PIXELS
from speciarl_pl.data.source import ImageSource, Row, as_table, subset_indices
from speciarl_pl.errors import DataError


class MixedImages(ImageSource):
    """Images of several data sets, such as the paper's 6 x 500 (section 4).

    Each data set gives its share of `limit`, drawn with `seed` from what its own filters and limit
    leave. An image's id is the data set's name and its id there; its subset is that name. It is
    judged by the tree of the data set it comes from, and asked the question that it has there.

    Args:
        sources: The data sets, of different names.
        weights: Share of each, in any unit; equal by default.
        limit: Number of images in all.
        seed: Seed of the draw.
        name: Name of the mix.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> from speciarl_pl.data.datasets.world import WorldImages
        >>> parts = [WorldImages("train", n=9), WorldImages("held_out", n=9)]
        >>> MixedImages(parts, weights=[2, 1], limit=6).table()["subset"][3:5]
        ['world_train', 'world_held_out']
    """

    labels_meant = True  # its data sets have said what is odd

    def __init__(
        self,
        sources: list[ImageSource],
        weights: list[float] | None = None,
        limit: int = 3000,
        seed: int = 0,
        name: str = "mix",
    ) -> None:
        super().__init__(name, limit, seed)
        if not sources:
            raise ValueError("sources: expected at least one data set, got none")
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"sources: two data sets are named {twice!r}; give them different ones with `name`"
            )
        _check_weights(weights, len(sources))
        self.sources = sources
        self.shares = shares(weights or [1.0] * len(sources), limit)

    @property
    def notes(self) -> list[str]:
        """Those of the data sets."""
        return [note for source in self.sources for note in source.notes]

    def rows(self) -> Dataset:
        """Draw each share, in the order of the data sets.

        Raises:
            DataError: As the data sets; if one has fewer images than its share.
        """
        tables = [source.table() for source in self.sources]
        self.doubts = [
            f"{source.name}: {doubt}" for source in self.sources for doubt in source.doubts
        ]
        self._check_sizes([len(table) for table in tables])
        rows = [
            (number, row)
            for number, (table, share) in enumerate(zip(tables, self.shares, strict=True))
            for row in table.select(subset_indices(len(table), share, self.seed))
        ]
        return as_table(self._columns(rows))

    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Let the data set of a row make its image."""
        source = self.sources[int(row["source"])]
        return source.image(json.loads(row["row"]), max_pixels)

    def _columns(self, rows: Sequence[tuple[int, Any]]) -> dict[str, list[str]]:
        names = [self.sources[number].name for number, _ in rows]
        prompts = [row.get("prompt") or "" for _, row in rows]
        return {
            "id": [f"{name}/{row['id']}" for name, (_, row) in zip(names, rows, strict=True)],
            "truth": [row["truth"] for _, row in rows],
            "subset": names,
            "taxonomy": [
                row.get("taxonomy") or self.sources[number].taxonomy or self.sources[number].name
                for number, row in rows
            ],
            "source": [str(number) for number, _ in rows],
            "row": [json.dumps(row) for _, row in rows],
            **({"prompt": prompts} if any(prompts) else {}),
        }

    def _check_sizes(self, sizes: Sequence[int]) -> None:
        parts = zip(self.sources, self.shares, sizes, strict=True)
        short = [
            f"{source.name}: {share:,} asked, {size:,} there"
            for source, share, size in parts
            if size < share
        ]
        if short:
            raise DataError(
                f"data set {self.name!r}: too few images for {self.limit:,} in these shares"
                f" ({'; '.join(short)}); lower `limit` or change `weights`"
            )


def shares(weights: Sequence[float], limit: int) -> list[int]:
    """Divide `limit` by weights: rounded down, what is left to the largest remainders.

    Example:
        >>> shares([1, 1, 1], 500), shares([2, 1], 6)
        ([167, 167, 166], [4, 2])
    """
    total = math.fsum(weights)
    exact = [limit * weight / total for weight in weights]
    whole = [math.floor(part) for part in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: whole[at] - exact[at])
    for at in by_remainder[: limit - sum(whole)]:
        whole[at] += 1
    return whole


def _check_weights(weights: list[float] | None, count: int) -> None:
    if weights is None:
        return
    if len(weights) != count:
        raise ValueError(
            f"weights: expected {count}, one for each of the sources, got {len(weights)}"
        )
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise ValueError(f"weights: expected finite numbers > 0, got {weights}")
