"""Shipped configs with a random model of real shape, cut short; and vLLM beside generate."""

import argparse
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from gpu_tools import CUDA, GIB, PIXELS, model_folder
from torch import Tensor

from speciarl_pl.category import UNJUDGED
from speciarl_pl.records import JudgedGroup
from speciarl_pl.reward import Reward, outcome_codes

HERE = Path(__file__).parent


class Luck(Reward):
    """Rewards from the seed of the group alone: a random model earns all the same otherwise."""

    def __call__(self, group: JudgedGroup) -> Tensor:
        """Draw one reward per rollout."""
        codes = outcome_codes(group.outcomes)
        rewards = torch.rand(len(codes), generator=torch.Generator().manual_seed(group.seed))
        return rewards.masked_fill(codes == UNJUDGED, torch.nan)


def fit(asked: argparse.Namespace) -> dict[str, Any]:
    """A shipped config, cut short: loads, rolls out, learns, saves, is resumed, validates."""
    run = Path(asked.scratch) / f"run_{asked.config}"
    shutil.rmtree(run, ignore_errors=True)
    config = Path(asked.scratch) / f"{asked.config}.yaml"
    config.write_text(yaml.safe_dump(_cut_short(asked)))
    command = [sys.executable, "-m", "speciarl_pl", "fit", "--config", str(config)]
    command += ["--run_dir", str(run)]
    found: dict[str, Any] = {"config": asked.config, "shape": asked.shape}
    for name, more in (
        ("begun", ["--trainer.max_steps", "2"]),
        ("resumed", ["--trainer.max_steps", "3", "--ckpt_path", "last"]),
    ):
        start = time.perf_counter()
        done, peak = _watched(command + more)
        found[f"{name}_s"] = time.perf_counter() - start
        found[f"{name}_peak_gib"] = peak
        found[f"{name}_code"] = done.returncode
        found[f"{name}_ends"] = (done.stdout + done.stderr).splitlines()[-25:]
        if done.returncode:
            return found
    with (run / "metrics.csv").open(newline="") as file:
        found["metrics"] = list(csv.DictReader(file))
    files = sorted(path for path in run.rglob("*") if path.is_file())
    found["files"] = {str(path.relative_to(run)): path.stat().st_size for path in files}
    return found


def vllm(asked: argparse.Namespace) -> dict[str, Any]:
    """Rollouts by vLLM against generate, with the adapter pushed before each round."""
    saved = model_folder(asked, asked.shape)
    sizes = ["--images", "32", "--rollouts", "10", "--max-new-tokens", "256", "--rounds", "2"]
    command = [sys.executable, str(HERE / "rollouts.py"), "--base", str(saved)]
    more = ["--dtype", "bfloat16", "--pushes", "5", "--image-size", "448", "--rank", "64"]
    done = subprocess.run(command + sizes + more, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _watched(command: list[str]) -> tuple[subprocess.CompletedProcess[str], float]:
    """A command that has ended, and what the card held for it at most, in GiB; nan without one."""
    before = _taken()
    peak = [before]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            peak.append(max(peak.pop(), _taken()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
        env = {**os.environ, "PYTHONPATH": path}  # for `Luck`
        done = subprocess.run(command, capture_output=True, text=True, env=env)
    finally:
        ended.set()
        watcher.join()
    return done, peak[-1] - before


def _taken() -> float:
    """GiB of the card that are not free."""
    if not CUDA:
        return math.nan
    free, total = torch.cuda.mem_get_info()
    return (total - free) / GIB


def _cut_short(asked: argparse.Namespace) -> dict[str, Any]:
    """A shipped config with this base, few drawn images, few rollouts, short answers."""
    root = HERE.parent / "configs" / f"{asked.config}.yaml"
    settings: dict[str, Any] = yaml.safe_load(root.read_text())
    settings["model"] |= {
        "base": str(model_folder(asked, asked.shape)),
        "min_pixels": PIXELS**2,
        "max_pixels": PIXELS**2,
        "reward": {"class_path": "gpu_fit.Luck"},
        "micro_batch_groups": min(settings["model"]["micro_batch_groups"], 4),
    }
    world = {"class_path": "WorldImages", "init_args": {"kinds": "train", "n": 16}}
    few = {"class_path": "WorldImages", "init_args": {"kinds": "train", "n": 8, "seed": 1}}
    judge = {"class_path": "TaxonomyJudge", "init_args": {"taxonomy": "world"}}
    settings["data"] |= {"train": world, "val": [few], "num_workers": 0, "judge": judge}
    settings["data"]["batch_size"] = 8 if CUDA else 2
    rollout = settings["rollout"]["init_args"]
    rollout["sampling"]["max_new_tokens"] = 128 if CUDA else 4
    rollout["val_sampling"] = {"temperature": 0.0, "max_new_tokens": 32 if CUDA else 4}
    settings["checkpoint"] = {"every_n_train_steps": 1}
    settings["trainer"] |= {
        "devices": 1,
        "strategy": "auto",
        "accelerator": "gpu" if CUDA else "cpu",
        "max_epochs": 4,
        "num_sanity_val_steps": 0,
        "enable_progress_bar": False,
    }
    settings["watch"] = {"max_blind_batches": None, "patience": None}
    return settings
