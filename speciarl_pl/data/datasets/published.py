"""Published figures of the six benchmarks, and where their archives are."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Published:
    """What the authors of a benchmark publish about it."""

    key: str
    """Name of the data set, in the command line and in results."""
    title: str
    """Name as its authors write it."""
    source: str
    """Class that reads it."""
    classes: int
    """Number of classes, at the finest level."""
    images: dict[str, int]
    """Split of the archive -> number of images; `all` only where no other split tells."""
    page: str
    """Official page, where to get the archive."""
    licence: str
    """On what terms it may be used, in a few words; the archive's own word counts."""
    coop: dict[str, int] = field(default_factory=dict)
    """Split of CoOp -> number of images; empty if CoOp made none."""
    coop_url: str = ""
    """Where CoOp's list is, by its `DATASETS.md`; empty if there is none."""
    levels: dict[str, int] = field(default_factory=dict)
    """Level of labels -> number of classes, where there are several."""
    group: str | None = None
    """Group of benchmarks over which means are taken, at the finest level; see `ImageSource`."""
    taxonomy: str | None = None
    """Name of the packaged taxonomy that knows the labels."""

    @property
    def train(self) -> int:
        """Images to train on: those of all splits but the test."""
        splits = self.coop or self.images
        return sum(n for split, n in splits.items() if split in ("train", "val"))

    @property
    def test(self) -> int:
        """Images of the test of the paper (section 6)."""
        return (self.coop or self.images)["test"]


def _drive(file: str) -> str:
    return f"https://drive.google.com/uc?export=download&id={file}"


_ALL = (
    Published(
        key="cub",
        title="CUB-200-2011",
        source="CUB200",
        classes=200,
        images={"train": 5994, "test": 5794},
        page="https://www.vision.caltech.edu/datasets/cub_200_2011/",
        licence="non-commercial research and education; photos belong to their authors",
        taxonomy="cub",
    ),
    Published(
        key="fgvc_aircraft",
        title="FGVC-Aircraft",
        source="FGVCAircraft",
        classes=100,
        images={"train": 3334, "val": 3333, "trainval": 6667, "test": 3333},
        page="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
        licence="non-commercial research; photos belong to their authors",
        levels={"variant": 100, "family": 70, "manufacturer": 30},
        group="very_fine_grained",
        taxonomy="fgvc_aircraft",
    ),
    Published(
        key="flowers102",
        title="Oxford Flowers-102",
        source="Flowers102",
        classes=102,
        images={"train": 1020, "val": 1020, "test": 6149},
        page="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        licence="none stated; taken as for research",
        coop={"train": 4093, "val": 1633, "test": 2463},
        coop_url=_drive("1Pp0sRXzZFZq15zVOzKjKBu4A9i01nozT"),
        group="fine_grained",
        taxonomy="flowers102",
    ),
    Published(
        key="food101",
        title="Food-101",
        source="Food101",
        classes=101,
        images={"train": 75750, "test": 25250},
        page="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        licence="scientific fair use; photos belong to their authors",
        coop={"train": 50500, "val": 20200, "test": 30300},
        coop_url=_drive("1QK0tGi096I0Ba6kggatX1ee6dJFIcEJl"),
        group="fine_grained",
        taxonomy="food101",
    ),
    Published(
        key="oxford_pets",
        title="Oxford-IIIT Pet",
        source="OxfordPets",
        classes=37,
        images={"trainval": 3680, "test": 3669},
        page="https://www.robots.ox.ac.uk/~vgg/data/pets/",
        licence="CC BY-SA 4.0",
        coop={"train": 2944, "val": 736, "test": 3669},
        coop_url=_drive("1501r8Ber4nNKvmlFVQZ8SeUHTcdTTEqs"),
        group="fine_grained",
        taxonomy="oxford_pets",
    ),
    Published(
        key="stanford_cars",
        title="Stanford Cars",
        source="StanfordCars",
        classes=196,
        images={"train": 8144, "test": 8041},
        page="https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
        licence="non-commercial research and education",
        coop={"train": 6509, "val": 1635, "test": 8041},
        coop_url=_drive("1ObCFbaAgVu0I-k_Au-gIUcefirdAuizT"),
        group="very_fine_grained",
        taxonomy="stanford_cars",
    ),
)

PUBLISHED: Final[dict[str, Published]] = {one.key: one for one in _ALL}
"""Name of the data set -> its published figures.

Example:
    >>> {key: one.test for key, one in PUBLISHED.items()}["food101"]
    30300
"""
