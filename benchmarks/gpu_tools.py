"""What the parts of `gpu.py` share: the device, its clock and memory, models, rollouts."""

import argparse
import gc
import resource
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from shapes import write

from speciarl_pl.callbacks import HFRolloutCallback
from speciarl_pl.data.prompts import load_prompt
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import LoraSpec, Policy, load_policy
from speciarl_pl.records import RolloutGroup, Sample
from speciarl_pl.sampling import RolloutRequest, Sampling

GIB = 2**30
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
PIXELS = 448 if CUDA else 112
"""Side of the images: 256 image tokens, on a CPU 16."""


def model_folder(asked: argparse.Namespace, shape: str, narrow: bool = not CUDA) -> Path:
    """Directory of a random model, written once."""
    folder = Path(asked.scratch) / (shape + ("_narrow" if narrow else ""))
    if not (folder / "preprocessor_config.json").exists():  # the last file that is written
        write(shape, folder, narrow=narrow, device=DEVICE.type)
    return folder


def build_policy(folder: Path, dtype: Any, quantization: Any = None) -> Policy:
    """As a user's is loaded, with an adapter that matters."""
    options: dict[str, Any] = {"dtype": dtype, "quantization": quantization}
    policy = load_policy(
        str(folder),
        lora=LoraSpec(r=64, alpha=32),
        gradient_checkpointing=True,
        max_pixels=PIXELS**2,
        **options,
    ).to(DEVICE)
    generator = torch.Generator(DEVICE).manual_seed(0)
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.01, generator=generator)
    return policy.train()


def draw_groups(policy: Policy, images: int, rollouts: int, tokens: int) -> list[RolloutGroup]:
    """Groups from transformers' generate, on noise."""
    requests = []
    for place in range(images):
        generator = torch.Generator().manual_seed(place)
        pixels = torch.randint(0, 256, (PIXELS, PIXELS, 3), generator=generator, dtype=torch.uint8)
        image = Image.fromarray(pixels.numpy())
        sample = Sample(str(place), "noise", "noise", load_prompt("general"), image)
        seeds = tuple(range(place * 1000, place * 1000 + rollouts))
        requests.append(RolloutRequest(sample, policy.encode(sample), seeds))
    module = SpeciaRLModule()
    module.policy = policy
    sampling = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=tokens)
    groups = HFRolloutCallback(group_size=rollouts).draw(module, requests, sampling)
    module.policy = None
    return groups


def synchronize() -> None:
    """Wait for the device, before a clock is read."""
    if CUDA:
        torch.cuda.synchronize()


def reset() -> None:
    """Forget the peak so far."""
    gc.collect()
    if CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def held() -> float:
    """GiB of tensors on the card; of the process without one."""
    return torch.cuda.memory_allocated() / GIB if CUDA else peak()


def peak() -> float:
    """GiB of tensors on the card at most since the reset; of the process since its start."""
    if CUDA:
        return torch.cuda.max_memory_allocated() / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
