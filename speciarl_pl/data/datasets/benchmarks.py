"""The six benchmarks by name."""

from typing import Final

from speciarl_pl.data.datasets.benchmark import Benchmark
from speciarl_pl.data.datasets.cub200 import CUB200
from speciarl_pl.data.datasets.fgvc_aircraft import FGVCAircraft
from speciarl_pl.data.datasets.flowers102 import Flowers102
from speciarl_pl.data.datasets.food101 import Food101
from speciarl_pl.data.datasets.oxford_pets import OxfordPets
from speciarl_pl.data.datasets.stanford_cars import StanfordCars

BENCHMARKS: Final[dict[str, type[Benchmark]]] = {
    kind.key: kind for kind in (CUB200, FGVCAircraft, Flowers102, Food101, OxfordPets, StanfordCars)
}
"""Name of the benchmark -> its class."""
