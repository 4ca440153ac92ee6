import pytest
import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing
from torchmetrics import MetricCollection

from speciarl_pl.metrics import (
    CategoryRates,
    Correctness,
    HarmonicMean,
    OutcomeCounts,
    Specificity,
)
from speciarl_pl.metrics.functional import summarize

CODES = torch.randint(-2, 6, (101,), generator=torch.Generator().manual_seed(0))
RANKS = 2


def all_metrics():
    return MetricCollection(
        [Correctness(), Specificity(), HarmonicMean(), CategoryRates(), OutcomeCounts()]
    )


def plain(values):
    return {name: v.tolist() if isinstance(v, Tensor) else v for name, v in values.items()}


def evaluate_a_share(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=RANKS)
    metrics = all_metrics()
    share = CODES[:30] if rank == 0 else CODES[30:]
    for batch in share.split(8):
        metrics.update(batch)
    values = metrics.compute()
    own = int(metrics["OutcomeCounts"].counts.sum())
    torch.save({"values": plain(values), "own": own}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    multiprocessing.spawn(evaluate_a_share, (str(tmp_path),), nprocs=RANKS)
    alone = all_metrics()
    alone.update(CODES)
    expected = plain(alone.compute())
    for rank, share in enumerate((30, 71)):
        results = torch.load(tmp_path / f"{rank}.pt")
        assert results == {"values": expected, "own": share}
    counts = torch.tensor(expected["OutcomeCounts"])
    assert summarize(counts)["counts"]["unjudged"] == int((CODES == -2).sum())
