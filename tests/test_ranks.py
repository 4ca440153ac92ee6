"""The run directory when several processes share a run."""

import pytest
from lightning.pytorch.utilities import rank_zero_only

from speciarl_pl.commands import cli


@pytest.fixture
def other_rank(monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    monkeypatch.delenv("SPECIARL_RUN_DIR", raising=False)


def test_another_rank_takes_the_directory_that_rank_zero_chose(other_rank, monkeypatch):
    monkeypatch.setenv("SPECIARL_RUN_DIR", "runs/x")
    assert cli._run_dir_of_rank_zero() == "runs/x"


@pytest.mark.usefixtures("other_rank")
def test_another_rank_that_cannot_know_it_asks_for_it(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["speciarl_pl"])
    assert cli.main(["fit", "--config", "configs/quickstart.yaml"]) == 1
    assert "--run_dir" in capsys.readouterr().err
