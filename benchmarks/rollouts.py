"""Rollouts by transformers' generate against vLLM, on the same prompts, measured in one run.

Before each round the adapter changes, as an update would change it, so that vLLM has to be pushed
to. The engines take turns. After the rounds come pushes alone, for the memory.

    python benchmarks/rollouts.py
    python benchmarks/rollouts.py --base Qwen/Qwen2.5-VL-7B-Instruct --dtype bfloat16 \
        --images 64 --rollouts 10 --max-new-tokens 512 --image-size 448
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import lightning as L
import psutil
import torch
from rich.table import Table

from speciarl_pl.callbacks import HFRolloutCallback, RolloutCallback, VLLMRolloutCallback
from speciarl_pl.data.prompts import load_prompt
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.records import Sample
from speciarl_pl.sampling import RolloutRequest, Sampling
from speciarl_pl.system.terminal import console
from speciarl_pl.world import draw, world_specs


@dataclass
class Measured:
    """What the rounds of one engine gave."""

    seconds: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    push_s: list[float] = field(default_factory=list)
    canary_s: list[float] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)

    @property
    def tokens_per_s(self) -> float:
        """Median over the rounds, pushes not counted."""
        pairs = zip(self.tokens, self.seconds, strict=True)
        return statistics.median(tokens / seconds for tokens, seconds in pairs)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", default="world", help="directory or hub id")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--rank", type=int, default=16, help="of the adapter")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--image-size", type=int, default=56, help="pixels a side")
    parser.add_argument("--rollouts", type=int, default=8, help="per image")
    parser.add_argument("--max-new-tokens", type=int, default=48)
    parser.add_argument("--max-rows", type=int, default=256, help="of generate at once")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pushes", type=int, default=50, help="pushes alone, for the memory")
    parser.add_argument("--memory-share", type=float)
    parser.add_argument("--engine", type=json.loads, default={}, help="engine arguments, as JSON")
    return parser.parse_args(arguments)


def build_module(asked: argparse.Namespace) -> SpeciaRLModule:
    """A module with a trainer, and an adapter that matters."""
    torch.manual_seed(0)
    module = SpeciaRLModule()
    policy = load_policy(asked.base, lora=LoraSpec(r=asked.rank), dtype=asked.dtype)
    module.policy = policy.to("cuda" if torch.cuda.is_available() else "cpu")
    module.trainer = L.Trainer(
        accelerator="auto", devices=1, logger=False, enable_checkpointing=False
    )
    change(module, 0.01)
    return module


def build_requests(module: SpeciaRLModule, asked: argparse.Namespace) -> list[RolloutRequest]:
    """Drawn things and the short question."""
    requests = []
    for index, spec in enumerate(world_specs("all", asked.images, 0)):
        image = draw(spec).resize((asked.image_size, asked.image_size))
        sample = Sample(spec.id, "world", spec.truth, load_prompt("brief"), image)
        seeds = tuple(range(1000 * index, 1000 * index + asked.rollouts))
        requests.append(RolloutRequest(sample, module.loaded_policy.encode(sample), seeds))
    return requests


@torch.no_grad()
def change(module: SpeciaRLModule, size: float = 1e-4) -> None:
    """Move the adapter as an update would."""
    module.batches_trained += 1
    for name, parameter in module.loaded_policy.named_parameters():
        if "lora_B" in name:
            parameter.add_(torch.randn_like(parameter), alpha=size)


def one_round(
    engine: RolloutCallback, module: SpeciaRLModule, requests: list[RolloutRequest]
) -> tuple[float, int]:
    """Seconds of drawing, and tokens drawn."""
    start = time.perf_counter()
    groups = engine.draw(module, requests, engine.sampling)
    seconds = time.perf_counter() - start
    return seconds, sum(r.tokens.numel() for group in groups for r in group.rollouts)


def measure(
    module: SpeciaRLModule, requests: list[RolloutRequest], asked: argparse.Namespace
) -> tuple[dict[str, Measured], list[int]]:
    """What both engines did in turn after a round to warm up, and memory after each push alone."""
    options = {"group_size": asked.rollouts, "sampling": Sampling(1.0, 1.0, asked.max_new_tokens)}
    vllm = VLLMRolloutCallback(engine=asked.engine, memory_share=asked.memory_share, **options)
    engines = {"generate": HFRolloutCallback(max_rows=asked.max_rows, **options), "vLLM": vllm}
    found = {name: Measured() for name in engines}
    for index in range(asked.rounds + 1):
        change(module)
        for name, engine in engines.items():
            engine.prepare(module)
            seconds, tokens = one_round(engine, module, requests)
            if index > 0:
                found[name].seconds.append(seconds)
                found[name].tokens.append(tokens)
        if index > 0:
            _note_push(found["vLLM"], vllm.sync.last_push)
    memory = []
    for _ in range(asked.pushes):
        change(module)
        vllm.prepare(module)
        vllm.draw(module, requests[:1], Sampling(1.0, 1.0, 4))
        memory.append(psutil.Process().memory_info().rss)
    vllm.close()
    return found, memory


def _note_push(measured: Measured, log: dict[str, float]) -> None:
    measured.push_s.append(log["sync/push_s"])
    measured.canary_s.append(log["sync/canary_s"])
    measured.gaps.append((log["sync/gap_mean"], log["sync/gap_max"]))
    # The canary is part of a push, but is measured within the time of drawing.
    measured.seconds[-1] -= log["sync/canary_s"]


def summary(found: dict[str, Measured], memory: list[int]) -> dict[str, float]:
    """The figures."""
    vllm = found["vLLM"]
    pushing = statistics.median(
        (push + canary) / seconds
        for push, canary, seconds in zip(vllm.push_s, vllm.canary_s, vllm.seconds, strict=True)
    )
    figures = {
        "generate_tokens_per_s": found["generate"].tokens_per_s,
        "vllm_tokens_per_s": vllm.tokens_per_s,
        "speedup": vllm.tokens_per_s / found["generate"].tokens_per_s,
        "push_s": statistics.median(vllm.push_s),
        "canary_s": statistics.median(vllm.canary_s),
        "push_share_of_rollout": pushing,
        "gap_mean": max(mean for mean, _ in vllm.gaps),
        "gap_max": max(largest for _, largest in vllm.gaps),
    }
    if len(memory) > 5:
        figures["memory_growth"] = memory[-1] / memory[4] - 1
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table and, last, one line of JSON."""
    asked = parse(arguments)
    module = build_module(asked)
    found, memory = measure(module, build_requests(module, asked), asked)
    figures = summary(found, memory)
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:.4g}")
    console().print(table)
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
    settings = {"device": device, "threads": torch.get_num_threads(), **vars(asked)}
    print(json.dumps({"benchmark": "rollouts", **settings, **figures}))


if __name__ == "__main__":
    main()
