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
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from gpu_fit import fit, vllm
from gpu_model import model
from gpu_parity import parity
from gpu_tools import CUDA, DEVICE, GIB, synchronize
from shapes import SHAPES

from speciarl_pl.policy.rows.wide import keeps_sums
from speciarl_pl.run.record import machine, versions


def card(asked: argparse.Namespace) -> dict[str, Any]:
    """The machine, and what its matrix units and memory give."""
    found: dict[str, Any] = {
        **machine([torch.cuda.get_device_name()] if CUDA else []),
        "versions": versions(),
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


def _seconds(call: Callable[[], object], repeats: int) -> float:
    """Mean seconds of a call."""
    for _ in range(3):
        call()
    synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    synchronize()
    return (time.perf_counter() - start) / repeats


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    part.__name__: part for part in (card, parity, model, fit, vllm)
}


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
    parser.add_argument("--minutes", type=float, default=9.0, help="after which all is cut")
    both = ["qwen2_5_vl_7b", "qwen2_5_vl_3b"]
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=both)
    parser.add_argument("--scratch", help="folder for models, 25 GB; a temporary one if missing")
    parser.add_argument("--only", nargs="+", help="names of parts, such as card or fit_cub_lora")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--shape", choices=SHAPES, help=argparse.SUPPRESS)
    parser.add_argument("--storage", help=argparse.SUPPRESS)
    parser.add_argument("--config", help=argparse.SUPPRESS)
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
    print(f"figures: {asked.out}")


def _rounded(value: Any) -> Any:
    """The same with four digits a number."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.4g}")
    return value


if __name__ == "__main__":
    main()
