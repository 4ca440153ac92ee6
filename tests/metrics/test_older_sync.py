"""Two processes that each see a share give what one gives that sees all."""

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from speciarl_pl.category import Category
from speciarl_pl.metrics import (
    ConceptSimilarity,
    HierarchicalScores,
    JudgeCoverage,
    LLMInclusion,
    SemanticSimilarity,
    TextualInclusion,
)
from speciarl_pl.records import Unjudged, Unparsed, Verdict

N, RANKS = 101, 2
RANDOM = torch.Generator().manual_seed(0)
NAMES = ["dog", "cat", "cow", "wolf"]
PICKED = torch.randint(4, (2, N), generator=RANDOM).tolist()
TRUTHS = [NAMES[place] for place in PICKED[0]]
ANSWERS = [None if i % 7 == 0 else NAMES[place] for i, place in enumerate(PICKED[1])]
VECTORS = torch.randn(2, N, 8, generator=RANDOM)
CONCEPTS = [VECTORS[1, i : i + i % 4] for i in range(N)]
OUTCOMES = [
    (Verdict(Category.WRONG, "exact:other"), Unjudged("timeout"), Unparsed("no answer"))[i % 3]
    for i in range(N)
]
INPUTS = {
    TextualInclusion: (TRUTHS, ANSWERS),
    LLMInclusion: ([(True, False, None)[i % 3] for i in range(N)],),
    SemanticSimilarity: (VECTORS[0], VECTORS[1]),
    ConceptSimilarity: (VECTORS[0], CONCEPTS),
    HierarchicalScores: ([{"animal", t} for t in TRUTHS], [{"animal", a} for a in ANSWERS]),
    JudgeCoverage: (OUTCOMES,),
}


def evaluate(parts):
    """Value and interval of each metric, and what a later update sees, over slices of the data."""
    found = {}
    for metric_class, arguments in INPUTS.items():
        metric = metric_class()
        for part in parts:
            metric.update(*(argument[part] for argument in arguments))
        interval = [metric.interval().tolist()] if hasattr(metric, "interval") else []
        value = metric.compute()
        values = {k: v.item() for k, v in value.items()} if isinstance(value, dict) else value
        found[metric_class.__name__] = (values, interval, metric._is_synced)
    return found


def evaluate_a_share(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=RANKS)
    parts = [slice(0, 9), slice(9, 30)] if rank == 0 else [slice(30, N)]
    torch.save(evaluate(parts), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_shares_equal_the_whole(tmp_path):
    multiprocessing.spawn(evaluate_a_share, (str(tmp_path),), nprocs=RANKS)
    expected = evaluate([slice(0, N)])
    for rank in range(RANKS):
        found = torch.load(tmp_path / f"{rank}.pt")
        for name, (value, interval, synced) in expected.items():
            assert found[name][0] == pytest.approx(value)
            assert found[name][1] == [pytest.approx(bounds) for bounds in interval]
            assert found[name][2] is synced is False
