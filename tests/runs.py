"""Tiny runs through the command line, in this process."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from speciarl_pl.callbacks import HFRolloutCallback
from speciarl_pl.category import UNJUDGED
from speciarl_pl.commands.cli import main
from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.reward import Reward, outcome_codes

CONFIG = """
seed_everything: 3
model:
  dtype: float32
  lora: {r: 4, alpha: 8}
  reward: {class_path: runs.Luck}
  optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.003}}
data:
  prompt: brief
  batch_size: 2
  train: {class_path: WorldImages, init_args: {kinds: train, n: 8}}
  val:
    - {class_path: WorldImages, init_args: {kinds: train, n: 3, seed: 1, name: seen}}
    - {class_path: WorldImages, init_args: {kinds: held_out, n: 2, seed: 2, name: unseen}}
  judge: {class_path: TaxonomyJudge, init_args: {taxonomy: world}}
rollout:
  class_path: HFRolloutCallback
  init_args:
    group_size: 2
    sampling: {max_new_tokens: 8}
trainer:
  accelerator: cpu
  max_epochs: 1
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
"""


class Luck(Reward):
    """Rewards drawn from the seed of the group, so that a short completion has some too."""

    def __call__(self, group):
        generator = torch.Generator().manual_seed(group.seed)
        rewards = torch.rand(len(group.outcomes), generator=generator)
        return rewards.masked_fill(outcome_codes(group.outcomes) == UNJUDGED, torch.nan)


class Commands:
    """Runs commands with the tiny configuration, in a directory of their own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.folder = folder
        self.config = folder / "tiny.yaml"
        self.config.write_text(CONFIG)
        monkeypatch.setattr(sys, "argv", ["speciarl_pl"])

    def __call__(self, command: str, name: str, *options: str, config: Path | None = None) -> int:
        """Run `command` in the run directory `name`."""
        directory = str(self.folder / name)
        arguments = ["--config", str(config or self.config), "--run_dir", directory]
        return main([command, *arguments, *options])


def world_policy(**options):
    """The built-in base with an adapter that matters, the same at every call."""
    torch.manual_seed(0)
    policy = load_policy("world", lora=LoraSpec(r=4, alpha=8), **{"dtype": "float32", **options})
    torch.manual_seed(1)
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return policy


class Answering(HFRolloutCallback):
    """Real rollouts, made readable: each says a word that depends on its seed."""

    def draw(self, module, requests, sampling, finished=None):
        return [
            replace(group, rollouts=tuple(map(_readable(group, finished), group.rollouts)))
            for group in super().draw(module, requests, sampling)
        ]


def _readable(group, finished):
    def readable(rollout):
        text = f"<answer>thing {'x' * (rollout.seed % 7)}</answer>"
        if finished is not None:
            finished(group.sample, text)
        return replace(rollout, text=text)

    return readable
