"""One shape in one storage: loading, drawing, scoring, updating; seconds, peaks, kernels."""

import argparse
import statistics
import time
from typing import Any

import torch
from gpu_tools import (
    CUDA,
    PIXELS,
    build_policy,
    draw_groups,
    held,
    model_folder,
    peak,
    reset,
    synchronize,
)
from PIL import Image
from torch.nn.utils.rnn import pad_sequence
from torch.profiler import ProfilerActivity, profile

from speciarl_pl.category import Category
from speciarl_pl.data.prompts import load_prompt
from speciarl_pl.grpo import GRPOLoss, group_advantages
from speciarl_pl.policy import Policy
from speciarl_pl.records import (
    Answer,
    JudgedGroup,
    Rollout,
    RolloutGroup,
    Sample,
    ScoredGroup,
    Verdict,
)
from speciarl_pl.step.ranks import Ranks
from speciarl_pl.step.update import PolicyUpdate


def model(asked: argparse.Namespace) -> dict[str, Any]:
    """One shape in one storage: load, generate, sampler against trainer, update."""
    saved, nf4 = model_folder(asked, asked.shape), asked.storage == "nf4"
    found: dict[str, Any] = {"shape": asked.shape, "storage": asked.storage, "rollouts": 10}
    start = time.perf_counter()
    loaded = build_policy(saved, "bfloat16", "nf4" if nf4 else None)
    found |= {"load_s": time.perf_counter() - start, "rows": loaded.rows, "loaded_gib": held()}
    found |= _generate(loaded, 8 if CUDA else 1, 128 if CUDA else 8)
    for groups, tokens in ((1, 128), (1, 512), (4, 512)) if CUDA else ((2, 16),):
        found[f"update_{groups}_x_10_x_{tokens}"] = _update(loaded, groups, tokens, nf4)
    if CUDA and not nf4:
        found["kernels"] = _kernels(loaded)
    return found


def _generate(loaded: Policy, images: int, tokens: int) -> dict[str, Any]:
    """Tokens a second, peak, and how far the sampler's log-probs are from the trainer's."""
    draw_groups(loaded, 1, 2, 4)
    reset()
    start = time.perf_counter()
    groups = draw_groups(loaded, images, 10, tokens)
    seconds = time.perf_counter() - start
    count = sum(rollout.tokens.numel() for group in groups for rollout in group.rollouts)
    most = peak()
    with torch.no_grad():
        scores = loaded.score(groups[:1], entropy=False)
    drawn_logprobs = [rollout.logprobs for rollout in groups[0].rollouts]
    sampled = pad_sequence(drawn_logprobs, batch_first=True)
    gaps = (scores.logprobs.cpu() - sampled)[scores.mask.cpu()].abs()
    return {
        "generate": {
            "rows": 10 * images,
            "tokens": count,
            "tokens_per_s": count / seconds,
            "peak_gib": most,
            "sampler_gap_mean_nats": float(gaps.mean()),
            "sampler_gap_max_nats": float(gaps.max()),
        }
    }


def _scored(loaded: Policy, place: int, tokens: int) -> ScoredGroup:
    """Ten completions of one image, all of one length, with rewards that differ."""
    generator = torch.Generator().manual_seed(place)
    image = Image.new("RGB", (PIXELS, PIXELS), (120, 90, 30))
    sample = Sample("0", "noise", "noise", load_prompt("general"), image)
    ids = torch.randint(5000, 150000, (10, tokens), generator=generator)
    rollouts = tuple(Rollout(one, torch.full((tokens,), -11.9), "", "length", 0) for one in ids)
    group = RolloutGroup(sample, loaded.encode(sample), rollouts)
    verdicts = (Verdict(Category.SPECIFIC, "benchmark"),) * 10
    rewards = torch.rand(10, generator=generator)
    judged = JudgedGroup(group, (Answer("noise"),) * 10, verdicts, ("",) * 10)
    return ScoredGroup(judged, rewards, group_advantages(rewards))


def _update(loaded: Policy, groups: int, tokens: int, nf4: bool) -> dict[str, Any]:
    """One optimiser step on groups of ten at once, with KL and checkpointing: median of five."""
    scored = [_scored(loaded, place, tokens) for place in range(groups)]
    optimizer = _optimizer(loaded, nf4)
    update = PolicyUpdate(loaded, GRPOLoss(kl_coefficient=0.01), micro_batch_groups=groups)
    update(scored, optimizer, Ranks())
    reset()
    before = held()
    log: list[dict[str, float]] = []
    seconds = []
    for _ in range(5 if CUDA else 1):
        synchronize()
        start = time.perf_counter()
        log.append(update(scored, optimizer, Ranks()))
        synchronize()
        seconds.append(time.perf_counter() - start)
    prompts = groups * scored[0].group.prompt.input_ids.numel()
    completions = 10 * groups * tokens
    median = statistics.median(seconds)
    return {
        "seconds": median,
        "fastest_s": min(seconds),
        "row_tokens": prompts + completions,
        "completion_tokens_per_s": completions / median,
        "tflops": _flops(loaded, prompts, completions) / median / 1e12,
        "before_gib": before,
        "peak_gib": peak(),
        "grad_norm": log[-1]["grad_norm"],
        "kl": log[-1]["kl"],
    }


def _optimizer(loaded: Policy, nf4: bool) -> torch.optim.Optimizer:
    parameters = loaded.trainable_parameters()
    if nf4 and CUDA:
        from bitsandbytes.optim import PagedAdamW8bit

        optimizer: torch.optim.Optimizer = PagedAdamW8bit(parameters, lr=1e-5)
        return optimizer
    return torch.optim.AdamW(parameters, lr=1e-5)


def _flops(loaded: Policy, prompt: int, completion: int) -> float:
    """Of one update, without recomputation, attention's products and the tower.

    Forward, backward to the activations (weights are frozen), and the reference's forward pass
    through the linear layers; and as often through the head, at the completion tokens alone.
    """
    decoder = loaded.base.config.get_text_config()
    hidden, heads = decoder.hidden_size, decoder.num_attention_heads
    size = getattr(decoder, "head_dim", None) or hidden // heads
    attention = 2 * hidden * size * (heads + decoder.num_key_value_heads)
    layer = attention + 3 * hidden * decoder.intermediate_size
    body = decoder.num_hidden_layers * layer * (prompt + completion)
    return 3 * 2 * (body + decoder.vocab_size * hidden * completion)


def _kernels(loaded: Policy) -> list[dict[str, Any]]:
    """The costliest kernels of one update at 512 tokens, by their own time."""
    scored, optimizer = _scored(loaded, 0, 512), _optimizer(loaded, False)
    update = PolicyUpdate(loaded, GRPOLoss(kl_coefficient=0.01), micro_batch_groups=1)
    update([scored], optimizer, Ranks())
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as record:
        update([scored], optimizer, Ranks())
        synchronize()
    kernels = [e for e in record.key_averages() if e.device_type.name == "CUDA"]
    kernels.sort(key=lambda e: -e.self_device_time_total)
    total = sum(e.self_device_time_total for e in kernels)
    return [
        {
            "name": e.key[:90],
            "calls": e.count,
            "ms": e.self_device_time_total / 1e3,
            "share": e.self_device_time_total / total,
        }
        for e in kernels[:25]
    ]
