"""How many pairs a second the parts of the judge answer.

    python benchmarks/judge.py --out FILE.json

Stored verdicts are read in this process, from a store that was filled before (every batch new to
the process's memory, and again from that memory), and over HTTP from a service in a process of its
own on loopback. The taxonomy stages of the offline judge are asked about
pairs of names of a benchmark, each for the first time: with the name of the data set, as in a run,
and without. Other processes slow all of it.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from speciarl_pl.category import Category
from speciarl_pl.judge import CachedJudge, HTTPJudge, Judge
from speciarl_pl.judge.config import BENCHMARKS, offline_judge
from speciarl_pl.judge.rules.taxonomy import taxonomy_path
from speciarl_pl.judge.rules.tree import Taxonomy
from speciarl_pl.records import Judgement, Pair, Verdict

BATCH = 1000
HTTP_BATCH = 256
CLIENTS = 4


class Known(Judge):
    """Answers at once, so that only what stands before it is measured."""

    @property
    def fingerprint(self) -> str:
        """Always the same."""
        return "benchmark"

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """Call everything specific."""
        return [Verdict(Category.SPECIFIC, "llm:benchmark")] * len(pairs)


def main(count: int, repeats: int) -> dict[str, float]:
    """Measure all; gives pairs per second, the best of `repeats`."""
    pairs = label_pairs(count)
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder, "verdicts.sqlite"))
        with CachedJudge(Known(), store) as judge:
            judge.judge(pairs)
        figures = {
            "cached_in_process_from_store": best(repeats, lambda: from_store(store, pairs)),
            "cached_in_process_from_memory": best(repeats, lambda: from_memory(store, pairs)),
            "cached_over_http": over_http(folder, store, pairs, repeats),
        }
    figures["taxonomy_stages"] = best(repeats, lambda: taxonomy_stages(pairs))
    unnamed = [Pair(pair.truth, pair.prediction) for pair in pairs]
    figures["taxonomy_stages_without_data_set"] = best(repeats, lambda: taxonomy_stages(unnamed))
    return figures


def label_pairs(count: int) -> list[Pair]:
    """Distinct pairs of names from one tree of the benchmarks each; it knows the truth itself."""
    draw = random.Random(0)
    trees = {name: Taxonomy.from_csv(taxonomy_path(name)).nodes for name in BENCHMARKS}
    truths = {name: [node for node in nodes if node.is_truth] for name, nodes in trees.items()}
    found: dict[Pair, None] = {}
    while len(found) < count:
        name = draw.choice(BENCHMARKS)
        pair = Pair(draw.choice(truths[name]).name, draw.choice(trees[name]).name, name)
        found[pair] = None
    return list(found)


def best(repeats: int, once: Callable[[], float]) -> float:
    """The highest of several rates; whatever else ran slowed the others."""
    return max(once() for _ in range(repeats))


def from_store(store: str, pairs: Sequence[Pair]) -> float:
    """A process that has seen none of them."""
    with CachedJudge(Known(), store) as judge:
        return rate(judge, pairs, BATCH)


def from_memory(store: str, pairs: Sequence[Pair]) -> float:
    """A process that has seen all of them."""
    with CachedJudge(Known(), store) as judge:
        judge.judge(pairs)
        return rate(judge, pairs, BATCH)


def over_http(folder: str, store: str, pairs: Sequence[Pair], repeats: int) -> float:
    """A service in another process and clients in threads of this one."""
    config = Path(folder, "judge.yaml")
    config.write_text(
        json.dumps(
            {
                "class_path": "CachedJudge",
                "init_args": {"judge": {"class_path": "judge.Known"}, "store": store},
            }
        )
    )
    port = free_port()
    command = [sys.executable, "-m", "speciarl_pl", "judge", "serve", "--config", str(config)]
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        with HTTPJudge(url, batch_size=HTTP_BATCH) as judge:
            return best(repeats, lambda: many_clients(judge, pairs))
    finally:
        process.terminate()
        process.wait()


def many_clients(judge: Judge, pairs: Sequence[Pair]) -> float:
    """Threads that ask at once, each about a share."""
    size = -(-len(pairs) // CLIENTS)
    shares = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(lambda share: rate(judge, share, HTTP_BATCH), shares))
    return len(pairs) / (time.perf_counter() - start)


def taxonomy_stages(pairs: Sequence[Pair]) -> float:
    """The offline judge, which remembers nothing yet."""
    with offline_judge() as judge:
        return rate(judge, pairs, BATCH)


def rate(judge: Judge, pairs: Sequence[Pair], batch: int) -> float:
    """Pairs a second, asked in batches."""
    start = time.perf_counter()
    for first in range(0, len(pairs), batch):
        judgements = judge.judge(pairs[first : first + batch])
        named = pairs[first].dataset != ""  # without, what has several senses may be left open
        assert not named or all(isinstance(judgement, Verdict) for judgement in judgements)
    return len(pairs) / (time.perf_counter() - start)


def wait_for(url: str) -> None:
    """Until the service answers."""
    for _ in range(600):
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=50_000, help="distinct pairs")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write the figures there")
    options = parser.parse_args()
    figures = main(options.pairs, options.repeats)
    for name, value in figures.items():
        print(f"{name:32} {value:12,.0f} pairs/s")
    line = json.dumps({"pairs": options.pairs, "cores": os.cpu_count(), **figures})
    print(line)
    if options.out:
        options.out.write_text(line + "\n")
