"""What each family is run with: four images of unlike shapes, for a training of two steps."""

from pathlib import Path

import numpy as np
from PIL import Image

SHAPES = ((56, 56), (112, 40), (40, 112), (200, 150))

CONFIG = """
seed_everything: 3
model:
  dtype: float32
  lora: {r: 4, alpha: 8}
  reward: {class_path: runs.Luck}
  optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.003}}
data:
  prompt: ASKED
  batch_size: 2
  train: {class_path: ImageFolder, init_args: {root: ROOT, name: noise}}
  val:
    - {class_path: ImageFolder, init_args: {root: ROOT, name: noise, limit: 2}}
  judge: {class_path: ExactJudge}
rollout:
  class_path: HFRolloutCallback
  init_args:
    group_size: 2
    sampling: {max_new_tokens: 4}
trainer:
  accelerator: cpu
  max_epochs: 1
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
"""


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
    config.write_text(CONFIG.replace("ROOT", str(folder / "photos")).replace("ASKED", str(asked)))
    return config
