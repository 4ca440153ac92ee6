"""Time and memory of one policy update: shared-prefix rows against plain rows, in one run.

An update here is what GRPO asks of the policy for one micro-batch: the forward and backward pass
of the policy, and with `--kl` the forward pass of the reference. Plain rows are done as common
trainers do them: one row per rollout through the whole model with sdpa, the image encoded in every
row, logits of the completion tokens only. The model is random: a Qwen2.5-VL of 29 M parameters, or
a SmolVLM of 28 M, whose language model is a Llama.

    python benchmarks/update.py --rollouts 10 --kl
    python benchmarks/update.py --family smolvlm
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from itertools import accumulate

import torch
from peft import PeftModel
from rich.table import Table
from torch.profiler import ProfilerActivity, profile
from transformers import (
    PreTrainedModel,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)

from speciarl_pl.policy import LoraSpec, Policy
from speciarl_pl.policy.base_model import quiet
from speciarl_pl.policy.rows import shared_rows as shared
from speciarl_pl.policy.weights import adapter
from speciarl_pl.records import EncodedPrompt, Rollout, RolloutGroup, Sample
from speciarl_pl.system.terminal import console

IMAGE_TOKEN = 4000
BANNED = [4000, 4001, 4002, 4003]
GRID = (1, 32, 32)
"""Patches of the image, 448 by 448 pixels: 256 image tokens."""
IMAGE_TOKENS = 256


TEXT = {
    "vocab_size": 4096,
    "hidden_size": 512,
    "intermediate_size": 1408,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "bos_token_id": 0,
    "eos_token_id": 1,
}


def build_qwen() -> PreTrainedModel:
    """A random Qwen2.5-VL of 29 M parameters."""
    rope = {"rope_type": "default", "mrope_section": [8, 12, 12], "rope_theta": 1e6}
    vision = {
        "depth": 4,
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_heads": 4,
        "out_hidden_size": 512,
        "fullatt_block_indexes": [1, 3],
    }
    config = Qwen2_5_VLConfig(
        text_config=TEXT | {"rope_parameters": rope},
        vision_config=vision,
        tie_word_embeddings=True,
        image_token_id=IMAGE_TOKEN,
        video_token_id=4001,
        vision_start_token_id=4002,
        vision_end_token_id=4003,
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def build_smolvlm() -> PreTrainedModel:
    """A random SmolVLM of 28 M parameters, over a Llama, with as many image tokens."""
    vision = {
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "image_size": 14 * GRID[1],
        "patch_size": 14,
    }
    config = SmolVLMConfig(
        text_config=TEXT | {"model_type": "llama", "pad_token_id": 1},
        vision_config=vision,
        tie_word_embeddings=True,
        image_token_id=IMAGE_TOKEN,
        pad_token_id=1,
        scale_factor=2,
    )
    return SmolVLMForConditionalGeneration(config)


def qwen_image() -> dict[str, torch.Tensor]:
    """Random pixels, patch by patch."""
    patches = torch.randn(GRID[1] * GRID[2], 3 * 2 * 14 * 14)
    return {"pixel_values": patches, "image_grid_thw": torch.tensor([GRID])}


def smolvlm_image() -> dict[str, torch.Tensor]:
    """Random pixels of one tile."""
    edges = (14 * GRID[1], 14 * GRID[2])
    mask = torch.ones(1, 1, *edges, dtype=torch.int64)
    return {"pixel_values": torch.randn(1, 1, 3, *edges), "pixel_attention_mask": mask}


FAMILIES = {"qwen2_5_vl": (build_qwen, qwen_image), "smolvlm": (build_smolvlm, smolvlm_image)}


def build_policies(family: str, device: str) -> tuple[dict[str, Policy], int]:
    """A policy on shared and one on plain rows over one model with one adapter, and its size."""
    with quiet():
        torch.manual_seed(0)
        base = FAMILIES[family][0]().requires_grad_(False)
        size = sum(parameter.numel() for parameter in base.parameters())
        shared.prepare(base)
        model: PeftModel = adapter.attach(base, LoraSpec(r=64, alpha=32))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    model.to(device).train()
    options = {"banned_token_ids": BANNED, "eos_token_ids": [1], "pad_token_id": 1}
    rows = ("plain", "shared")
    return {row: Policy(model, None, rows=row, **options) for row in rows}, size  # type: ignore


def build_group(
    family: str, rollouts: int, prompt_tokens: int, completion_tokens: int
) -> RolloutGroup:
    """One image, one question, N random completions of one length."""
    text = prompt_tokens - IMAGE_TOKENS
    if text < 3:
        raise SystemExit(f"--prompt-tokens: expected >= {IMAGE_TOKENS + 3}, got {prompt_tokens}")
    ids = torch.randint(2, 3900, (prompt_tokens,))
    ids[1 : 1 + IMAGE_TOKENS] = IMAGE_TOKEN
    prompt = EncodedPrompt(ids, (ids == IMAGE_TOKEN).long(), FAMILIES[family][1]())
    drawn = [torch.randint(2, 3900, (completion_tokens,)) for _ in range(rollouts)]
    made = tuple(Rollout(t, torch.zeros(len(t)), "", "length", 0) for t in drawn)
    return RolloutGroup(Sample("0", "", "", "", None), prompt, made)  # type: ignore[arg-type]


def update(policy: Policy, group: RolloutGroup, *, kl: bool) -> tuple[float, torch.Tensor]:
    """Seconds of one update, and the log-probs it saw."""
    _synchronize(policy.device)
    start = time.perf_counter()
    rows = policy.lay_out([group])
    scores = policy.score(rows)
    loss = -scores.logprobs.mean()
    if kl:
        reference = policy.score(rows, reference=True, entropy=False)
        gap = reference.logprobs - scores.logprobs
        loss = loss + 0.01 * (gap.exp() - gap - 1).mean()
    loss.backward()
    _synchronize(policy.device)
    seconds = time.perf_counter() - start
    policy.model.zero_grad(set_to_none=True)
    return seconds, scores.logprobs.detach()


def measure(
    policies: dict[str, Policy], group: RolloutGroup, *, kl: bool, repeats: int
) -> tuple[dict[str, list[float]], float]:
    """Seconds of each update after one to warm up, and the largest gap of their log-probs.

    The two kinds take turns, so that a busy machine slows both.
    """
    first = {name: update(policy, group, kl=kl)[1] for name, policy in policies.items()}
    seconds: dict[str, list[float]] = {name: [] for name in policies}
    for _ in range(repeats):
        for name, policy in policies.items():
            seconds[name].append(update(policy, group, kl=kl)[0])
    return seconds, float((first["plain"] - first["shared"]).abs().max())


def peak(policy: Policy, group: RolloutGroup, *, kl: bool) -> float:
    """MiB of tensors that one update holds at most beyond weights and prompt."""
    if policy.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(policy.device)
        before = torch.cuda.memory_allocated(policy.device)
        update(policy, group, kl=kl)
        return (torch.cuda.max_memory_allocated(policy.device) - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        update(policy, group, kl=kl)
    events = record.profiler.kineto_results.events()  # type: ignore[union-attr]
    changes = [event.nbytes() for event in events if event.name() == "[memory]"]
    return max(accumulate(changes)) / 2**20


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--family", choices=FAMILIES, default="qwen2_5_vl", help="of the model")
    parser.add_argument("--rollouts", type=int, default=10, help="completions per image, N")
    parser.add_argument("--prompt-tokens", type=int, default=279, help="256 of them are the image")
    parser.add_argument("--completion-tokens", type=int, default=120, help="of each completion, T")
    parser.add_argument("--kl", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=7, help="timed updates of each kind")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table and, last, one line of JSON."""
    asked = parse(arguments)
    policies, size = build_policies(asked.family, asked.device)
    group = build_group(asked.family, asked.rollouts, asked.prompt_tokens, asked.completion_tokens)
    seconds, gap = measure(policies, group, kl=asked.kl, repeats=asked.repeats)
    peaks = {name: peak(policy, group, kl=asked.kl) for name, policy in policies.items()}
    medians = {name: statistics.median(spent) for name, spent in seconds.items()}
    table = Table("rows", "median s", "fastest s", "slowest s", "times faster", "peak MiB")
    for name, spent in seconds.items():
        speed = f"{medians['plain'] / medians[name]:.2f}"
        figures = (medians[name], min(spent), max(spent))
        table.add_row(name, *(f"{t:.3f}" for t in figures), speed, f"{peaks[name]:.0f}")
    console().print(table)
    result = {
        "benchmark": "update",
        **vars(asked),
        "parameters": size,
        "threads": torch.get_num_threads(),
        "plain_s": round(medians["plain"], 4),
        "shared_s": round(medians["shared"], 4),
        "plain_peak_mib": round(peaks["plain"]),
        "shared_peak_mib": round(peaks["shared"]),
        "speedup": round(medians["plain"] / medians["shared"], 3),
        "max_logprob_gap": gap,
    }
    print(json.dumps(result))


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
