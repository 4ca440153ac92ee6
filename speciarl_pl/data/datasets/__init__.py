"""Sources of labelled images, one file a data set."""

from speciarl_pl.data.datasets.flowers102 import Flowers102
from speciarl_pl.data.datasets.folder import ImageFolder
from speciarl_pl.data.datasets.oxford_pets import OxfordPets
from speciarl_pl.data.datasets.photos import PhotoFolder
from speciarl_pl.data.datasets.table import ImageTable
from speciarl_pl.data.datasets.world import WorldImages

__all__ = [
    "Flowers102",
    "ImageFolder",
    "ImageTable",
    "OxfordPets",
    "PhotoFolder",
    "WorldImages",
]
