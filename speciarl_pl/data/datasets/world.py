"""The built-in world as a data set."""

import json
from dataclasses import asdict

from datasets.arrow_dataset import Dataset
from PIL.Image import Image

from speciarl_pl.data.images.opening import MAX_PIXELS
from speciarl_pl.data.source import ImageSource, Row, as_table
from speciarl_pl.world.drawing import draw
from speciarl_pl.world.samples import KindSet, WorldSpec, world_specs


class WorldImages(ImageSource):
    """Images drawn on the fly; nothing is read from disk.

    Lists of different seeds share no image, so a training and a validation set of the same kinds
    need only different seeds.

    Args:
        kinds: `train`, `held_out` or `all`.
        n: Number of images.
        seed: Seed of the list and of every image in it.
        name: Name of the data set; `world_` and the kinds by default.
        include: Keep the images of these labels alone.
        exclude: Leave out the images of these labels.

    Example:
        >>> source = WorldImages("train", n=2)
        >>> table = source.table()
        >>> source.name, len(table), source.image(table[0]).mode
        ('world_train', 2, 'RGB')
    """

    taxonomy = "world"
    labels_meant = True

    def __init__(
        self,
        kinds: KindSet = "train",
        n: int = 1000,
        seed: int = 0,
        name: str | None = None,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
    ) -> None:
        if n < 1:
            raise ValueError(f"n: expected an int >= 1, got {n}")
        super().__init__(name or f"world_{kinds}", None, seed, include, exclude)
        self.kinds = kinds
        self.n = n

    def rows(self) -> Dataset:
        """List the images; the column `spec` holds what to draw, as JSON."""
        specs = world_specs(self.kinds, self.n, self.seed)
        return as_table(
            {
                "id": [spec.id for spec in specs],
                "truth": [spec.truth for spec in specs],
                "subset": [spec.subset for spec in specs],
                "spec": [json.dumps(asdict(spec)) for spec in specs],
            }
        )

    def image(self, row: Row, max_pixels: int = MAX_PIXELS) -> Image:
        """Draw the image of a row; `max_pixels` plays no part."""
        return draw(WorldSpec(**json.loads(row["spec"])))
