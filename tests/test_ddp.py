import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import ddp_fit
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from vllm_tools import needs_vllm

from speciarl_pl.category import Category

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Run directory of a fit on two processes."""
    return fit_on_two(tmp_path_factory.mktemp("two"))


def fit_on_two(folder, *kinds):
    subprocess.run(
        [sys.executable, ddp_fit.__file__, str(folder), *kinds],
        check=True,
        timeout=300,
        cwd=Path(ddp_fit.__file__).parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return folder / "run"


def left_by(run, rank):
    return torch.load(run.parent / f"{rank}.pt", weights_only=False)


def rows(run):
    return pq.read_table(run / "rollouts.parquet").to_pylist()


def assert_both_ended_alike(two):
    first, second = left_by(two, 0), left_by(two, 1)
    assert first["batches"] == second["batches"] == 2
    assert first["results"] == second["results"]
    assert any(tensor.any() for name, tensor in first["adapter"].items() if "lora_B" in name)
    saved = load_file(two / "adapter/adapter_model.safetensors")
    for name, tensor in first["adapter"].items():
        assert torch.equal(tensor, second["adapter"][name])
        assert torch.equal(tensor, saved[name])


def test_both_ranks_end_with_the_same_adapter_and_results(two):
    assert_both_ended_alike(two)


@pytest.mark.parametrize("name", ["results.base.json", "results.json"])
def test_results_cover_every_validation_image_once(two, name):
    datasets = json.loads((two / name).read_text())["datasets"]
    assert {d: sum(found["counts"].values()) for d, found in datasets.items()} == ddp_fit.VAL


def assert_rollouts_are_there_once(two):
    assert not (two / "rollouts.parts").exists()
    keys = Counter(
        (r["stage"], r["step"], r["dataset"], r["sample_id"], r["index"]) for r in rows(two)
    )
    assert set(keys.values()) == {1}
    found = Counter((row["stage"], row["step"]) for row in rows(two))
    images = sum(ddp_fit.VAL.values())
    assert found == {("base", 0): images, ("train", 0): 8, ("train", 1): 8, ("val", 2): images}


def test_the_log_has_the_rollouts_of_both_ranks_once(two):
    assert_rollouts_are_there_once(two)


@needs_vllm
def test_each_rank_draws_with_a_vllm_of_its_own(tmp_path):
    run = fit_on_two(tmp_path, "vllm")
    assert_both_ended_alike(run)
    assert_rollouts_are_there_once(run)


def test_rank_0_owns_the_judge_and_serves_it(tmp_path):
    run = fit_on_two(tmp_path, "judge")
    assert_both_ended_alike(run)
    assert_rollouts_are_there_once(run)
    asked = [json.loads(line) for line in (tmp_path / "asked").read_text().splitlines()]
    assert {process for _, _, process in asked} == {left_by(run, 0)["process"]}
    judged = {(row["truth"], row["answer"]) for row in rows(run)}
    assert sorted((truth, answer) for truth, answer, _ in asked) == sorted(judged)
    assert {row["verdict"] for row in rows(run)} <= {category.label for category in Category}


def test_two_ranks_draw_the_rollouts_of_one(two, tmp_path):
    """Those of the base and of the first step, before any update; the adapter does nothing yet."""

    def texts(run):
        return {
            (r["stage"], r["dataset"], r["sample_id"], r["index"]): (r["text"], r["reward"])
            for r in rows(run)
            if r["step"] == 0
        }

    ddp_fit.main(tmp_path, devices=1)
    assert texts(two) == texts(tmp_path / "run")
