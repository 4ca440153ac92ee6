"""The built-in world: procedurally drawn images with three-level names, and a tiny base model.

Everything here runs offline on a CPU. `world_specs` lists images, `draw` draws one, and
`base_path` is a Qwen2.5-VL of under 3 million parameters that behaves as the paper found large
ones to: right, but mostly too generic. It was made by `python -m speciarl_pl.world.pretrain
--out speciarl_pl/world/base`, some minutes on two cores; `base/training.json` holds the figures.
"""

from pathlib import Path

from speciarl_pl.world.drawing import SIZE, draw
from speciarl_pl.world.naming import (
    HELD_OUT_KINDS,
    KINDS,
    TRAIN_KINDS,
    Family,
    Kind,
    write_taxonomy,
)
from speciarl_pl.world.samples import WorldSpec, world_specs

__all__ = [
    "HELD_OUT_KINDS",
    "KINDS",
    "SIZE",
    "TRAIN_KINDS",
    "Family",
    "Kind",
    "WorldSpec",
    "base_path",
    "draw",
    "world_specs",
    "write_taxonomy",
]


def base_path() -> Path:
    """Directory of the shipped base, to be loaded as any Hugging Face model.

    Example:
        >>> (base_path() / "config.json").is_file()
        True
    """
    return Path(__file__).with_name("base")
