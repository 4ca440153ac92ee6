"""What each family is run with: four images of unlike shapes, for a training of two steps."""

from pathlib import Path

import numpy as np
import runs
import yaml
from PIL import Image

SHAPES = ((56, 56), (112, 40), (40, 112), (200, 150))


def write(folder: Path) -> Path:
    """A folder of four images in two classes, no two of one shape; gives the configuration."""
    draw = np.random.default_rng(0)
    for place, (width, height) in enumerate(SHAPES):
        pixels = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
        path = folder / "photos" / ("rose", "oak")[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    asked = folder / "asked.txt"
    asked.write_text("What is it? Reply in <answer></answer>.")
    config = folder / "family.yaml"
    config.write_text(yaml.safe_dump(_settings(str(folder / "photos"), str(asked))))
    return config


def _settings(photos: str, asked: str) -> dict:
    """The tiny run of the other tests, on these photos and with four tokens an answer."""
    settings = yaml.safe_load(runs.CONFIG)
    noise = {"class_path": "ImageFolder", "init_args": {"root": photos, "name": "noise"}}
    few = {"class_path": "ImageFolder", "init_args": {**noise["init_args"], "limit": 2}}
    settings["data"] |= {"prompt": asked, "train": noise, "val": [few]}
    settings["data"]["judge"] = {"class_path": "ExactJudge"}
    settings["rollout"]["init_args"]["sampling"] = {"max_new_tokens": 4}
    return settings
