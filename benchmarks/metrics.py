"""Memory and time of the metrics over several samples an image.

    python benchmarks/metrics.py --images 10000 --samples 64

Outcomes of images that differ in difficulty are given to the metrics in batches, as a validation
does; then come the rates, the best-of-k curves and the majority vote, all with intervals. Other
processes slow all of it.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
import torch
from torch import Tensor

from speciarl_pl.metrics import MajorityOutcomes, SampleOutcomes
from speciarl_pl.metrics.functional import OUTCOME_LABELS, majority_vote

MIB = 2**20


def outcomes(images: int, samples: int) -> Tensor:
    """int64 [images, samples], each image with chances of its own."""
    generator = torch.Generator().manual_seed(0)
    chances = torch.rand(images, len(OUTCOME_LABELS), generator=generator) ** 3
    return torch.multinomial(chances, samples, replacement=True, generator=generator) - 2


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Note how long something takes."""
    start = time.perf_counter()
    yield
    seconds[f"{name}_s"] = round(time.perf_counter() - start, 4)


def fill(metric: SampleOutcomes, majority: MajorityOutcomes, codes: Tensor, batch: int) -> None:
    """Give the metrics all outcomes; two samples of an outcome are taken to answer alike."""
    for first in range(0, len(codes), batch):
        rows = codes[first : first + batch]
        positions = torch.arange(first, first + len(rows))
        metric.update(positions, rows)
        votes = [
            majority_vote([None if code == -1 else code for code in row.tolist()]) for row in rows
        ]
        won = torch.tensor([row[vote.index] for row, vote in zip(rows, votes, strict=True)])
        majority.update(positions, won, torch.tensor([vote.votes for vote in votes]))


def state_bytes(*metrics: SampleOutcomes | MajorityOutcomes) -> int:
    """Bytes of the numbers in the states."""
    parts = (part for metric in metrics for state in metric.metric_state.values() for part in state)
    return sum(part.numel() * part.element_size() for part in parts)


def measure(images: int, samples: int, batch: int) -> dict[str, float]:
    """Seconds of each step, bytes of the state and growth of the process's memory."""
    codes = outcomes(images, samples)
    metric, majority = SampleOutcomes(samples), MajorityOutcomes(samples)
    warm_up(samples)
    process = psutil.Process()
    before, peak_before = process.memory_info().rss, peak()
    seconds: dict[str, float] = {}
    with timed(seconds, "update"):
        fill(metric, majority, codes, batch)
    held = process.memory_info().rss - before
    with timed(seconds, "compute"):
        metric.compute()
        majority.compute()
    with timed(seconds, "summary"):
        metric.summary()
    with timed(seconds, "majority"):
        majority.summary()
    return {
        **seconds,
        "total_s": round(sum(seconds.values()), 4),
        "state_mib": round(state_bytes(metric, majority) / MIB, 3),
        "held_mib": round(held / MIB, 1),
        "peak_mib": round(max(0, peak() - max(before, peak_before)) / MIB, 1),
    }


def warm_up(samples: int) -> None:
    """Load what a first call loads, so that it is not taken for memory of the metrics."""
    metric = SampleOutcomes(samples)
    metric.update(torch.arange(2), outcomes(2, samples))
    metric.summary()


def peak() -> int:
    """Most bytes this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=64, help="per image")
    parser.add_argument("--batch", type=int, default=8, help="images an update")
    asked = parser.parse_args(arguments)
    figures = measure(asked.images, asked.samples, asked.batch)
    for name, value in figures.items():
        print(f"{name:12} {value:10,.3f}")
    print(json.dumps({"benchmark": "metrics", **vars(asked), "cores": os.cpu_count(), **figures}))


if __name__ == "__main__":
    main()
