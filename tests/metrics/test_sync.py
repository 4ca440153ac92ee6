import pytest
import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing
from torchmetrics import MetricCollection

from speciarl_pl.metrics import (
    BestOfK,
    Correctness,
    HarmonicMean,
    MajorityOutcomes,
    SampleOutcomes,
    Specificity,
)

CODES = torch.randint(-2, 6, (101,), generator=torch.Generator().manual_seed(0))
RANKS = 2


def all_metrics():
    return MetricCollection([Correctness(), Specificity(), HarmonicMean()])


def plain(values):
    return {name: v.tolist() if isinstance(v, Tensor) else v for name, v in values.items()}


def evaluate_a_share(rank):
    metrics = all_metrics()
    share = CODES[:30] if rank == 0 else CODES[30:]
    for batch in share.split(8):
        metrics.update(batch)
    values = metrics.compute()
    own = int(metrics["Correctness"].counts.sum())
    return {"values": plain(values), "own": own}


TABLE = torch.randint(-2, 6, (31, 4), generator=torch.Generator().manual_seed(1))
VOTES = torch.randint(1, 5, (31,), generator=torch.Generator().manual_seed(2))
SHARES = {
    "interleaved, the last image twice": ([*range(0, 31, 2)], [*range(1, 31, 2), 30]),
    "uneven": ([30, 4], [*range(4), *range(5, 30)]),
    "a process without images": ([], list(range(31))),
    "another one without": (list(range(31)), []),
    "one image": ([], [0]),
}


def fill(places):
    metrics = SampleOutcomes(4), MajorityOutcomes(4), BestOfK(4)
    for rows in torch.tensor(places, dtype=torch.int64).split(3) if places else ():
        metrics[0].update(rows, TABLE[rows])
        metrics[1].update(rows, TABLE[rows, 0], VOTES[rows])
        metrics[2].update(TABLE[rows])
    return metrics


def summaries(metrics):
    table, majority, best = metrics
    curve = {name: values.tolist() for name, values in best.compute().items()}
    return table.summary(), majority.summary(), table.table().tolist(), curve


def evaluate_samples(rank):
    found = {}
    for name, shares in SHARES.items():
        metrics = fill(shares[rank])
        found[name] = summaries(metrics)
        metrics[0].update(torch.tensor([99]), TABLE[:1])  # goes on after the synchronisation
        found[f"{name}, own"] = sum(len(part) for part in metrics[0].positions)
    return found


def work(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=RANKS)
    found = {"counts": evaluate_a_share(rank), "samples": evaluate_samples(rank)}
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("ranks")
    multiprocessing.spawn(work, (str(folder),), nprocs=RANKS)
    return [torch.load(folder / f"{rank}.pt") for rank in range(RANKS)]


@pytest.mark.slow
def test_two_processes_equal_one(ranks):
    alone = all_metrics()
    alone.update(CODES)
    expected = plain(alone.compute())
    for rank, share in enumerate((30, 71)):
        assert ranks[rank]["counts"] == {"values": expected, "own": share}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARES)
def test_two_processes_equal_one_with_several_samples(ranks, name):
    places = [place for share in SHARES[name] for place in share]
    *alone, _ = summaries(fill(sorted(set(places))))
    curve = summaries(fill(places))[-1]
    for found, share in zip(ranks, SHARES[name], strict=True):
        *together, curve_together = found["samples"][name]
        assert together == alone
        assert found["samples"][f"{name}, own"] == len(share) + 1
        for key, values in curve.items():
            assert curve_together[key] == pytest.approx(values, nan_ok=True), key
