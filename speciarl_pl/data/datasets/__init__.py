"""Sources of labelled images, one file a data set."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.data.datasets.benchmark import Benchmark
    from speciarl_pl.data.datasets.cub200 import CUB200
    from speciarl_pl.data.datasets.fgvc_aircraft import FGVCAircraft
    from speciarl_pl.data.datasets.flowers102 import Flowers102
    from speciarl_pl.data.datasets.folder import ImageFolder
    from speciarl_pl.data.datasets.food101 import Food101
    from speciarl_pl.data.datasets.hub_images import HubImages
    from speciarl_pl.data.datasets.mixed import MixedImages
    from speciarl_pl.data.datasets.oxford_pets import OxfordPets
    from speciarl_pl.data.datasets.photos import PhotoFolder
    from speciarl_pl.data.datasets.stanford_cars import StanfordCars
    from speciarl_pl.data.datasets.table import ImageTable
    from speciarl_pl.data.datasets.world import WorldImages

__all__ = [
    "CUB200",
    "Benchmark",
    "FGVCAircraft",
    "Flowers102",
    "Food101",
    "HubImages",
    "ImageFolder",
    "ImageTable",
    "MixedImages",
    "OxfordPets",
    "PhotoFolder",
    "StanfordCars",
    "WorldImages",
]

__getattr__ = handed_out(__name__)
