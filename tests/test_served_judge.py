"""A run whose judge is served somewhere else."""

import pytest

from speciarl_pl.judge import TaxonomyJudge
from speciarl_pl.judge.service.serving import BackgroundService

pytestmark = pytest.mark.slow


def adapter(run):
    return (run / "adapter" / "adapter_model.safetensors").read_bytes()


def test_a_served_judge_teaches_what_the_same_one_does_in_the_run(commands):
    answering = "--rollout.class_path=runs.Answering"
    assert commands("fit", "own", answering) == 0
    with TaxonomyJudge("world") as judge, BackgroundService(judge) as service:
        served = ("--data.judge=HTTPJudge", f"--data.judge.url={service.url}")
        assert commands("fit", "served", answering, *served) == 0
        assert judge.stats.value("pairs", source="taxonomy", result="verdict") > 0
    own, other = commands.folder / "own", commands.folder / "served"
    assert adapter(own) == adapter(other)
    assert (own / "results.json").read_bytes() == (other / "results.json").read_bytes()
