"""What lies in a run directory decides whether a fit begins, goes on or is refused."""

import os
import shlex

import pytest
import torch

from speciarl_pl.errors import RunError
from speciarl_pl.run.start import decide, set_aside

COMMAND = ("python", "-m", "speciarl_pl", "fit", "--config=a b.yaml")


def checkpoint(path, age=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({}, path)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def start(run, asked=None, **options):
    return decide(run, asked, None, COMMAND, **options)


@pytest.fixture(autouse=True)
def no_slurm(monkeypatch):
    for name in ("SLURM_NTASKS", "SLURM_JOB_NAME", "SLURM_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def slurm(monkeypatch):
    monkeypatch.setenv("SLURM_NTASKS", "1")
    monkeypatch.setenv("SLURM_JOB_NAME", "train")
    return monkeypatch


@pytest.mark.parametrize("there", [False, True], ids=["no directory", "an empty one"])
def test_last_begins_where_there_is_nothing(tmp_path, there):
    run = tmp_path / "run"
    if there:
        run.mkdir()
    found = start(run, "last")
    assert found.checkpoint is None
    assert found.said == f"No run in {run} yet: it begins"
    assert start(run).checkpoint is None


def test_last_goes_on_from_the_newest(tmp_path):
    checkpoint(tmp_path / "checkpoints/last.ckpt", age=5)
    newest = checkpoint(tmp_path / "checkpoints/stopped.ckpt")
    checkpoint(tmp_path / "hpc_ckpt_1.ckpt", age=9)
    assert start(tmp_path, "last").checkpoint == newest


def test_one_that_was_cut_short_is_left_out_and_named(tmp_path):
    whole = checkpoint(tmp_path / "checkpoints/last.ckpt", age=5)
    cut = tmp_path / "checkpoints/stopped.ckpt"
    cut.write_bytes(whole.read_bytes()[:-50])
    found = start(tmp_path, "last")
    assert found.checkpoint == whole
    assert f"({cut}: cut short, left out)" in found.said
    whole.unlink()
    with pytest.raises(RunError, match=r"stopped\.ckpt: not a checkpoint, or one cut short"):
        start(tmp_path, "last")


def test_a_run_killed_before_its_first_checkpoint_begins_again_and_nothing_is_lost(tmp_path):
    for name in ("metrics.csv", "config.yaml", "results.base.json", "rollouts.parts/0-0.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "slurm-4711.out").touch()
    for count in ("before", "before-2"):
        found = start(tmp_path, "last")
        assert found.checkpoint is None
        said = set_aside(found, tmp_path)
        assert said.endswith(f"begins again; what it left was moved to {tmp_path / count}")
        assert (tmp_path / count / "metrics.csv").read_text() == "metrics.csv"
        assert not (tmp_path / "metrics.csv").exists()
        assert (tmp_path / "config.yaml").exists(), "other ranks may still have to read it"
        (tmp_path / "metrics.csv").write_text("metrics.csv")
    assert (tmp_path / "before/rollouts.parts/0-0.parquet").exists()
    assert (tmp_path / "slurm-4711.out").exists()


@pytest.mark.parametrize("name", ["results.json", "predictions.csv"])
def test_results_without_a_checkpoint_are_never_moved(tmp_path, name):
    (tmp_path / name).touch()
    for asked in ("last", None):
        with pytest.raises(RunError, match="choose another --run_dir"):
            start(tmp_path, asked)


@pytest.mark.parametrize(
    "name", ["metrics.csv", "results.base.json", "rollouts.parts/0-0.parquet", "checkpoints/a.ckpt"]
)
def test_a_directory_that_holds_a_run_is_refused_with_the_command_to_go_on(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(RunError, match="already holds a run") as caught:
        start(tmp_path)
    advice = shlex.split(str(caught.value).partition("to go on with it: ")[2])
    assert advice == [*COMMAND, "--run_dir", str(tmp_path), "--ckpt_path", "last"]
    assert start(tmp_path, first_rank=False).checkpoint is None, "the first rank refuses"


def test_a_checkpoint_of_another_run_does_not_mix_into_this_one(tmp_path):
    other = checkpoint(tmp_path / "other/checkpoints/last.ckpt")
    assert start(tmp_path / "new", str(other)).checkpoint == other
    (tmp_path / "held").mkdir()
    (tmp_path / "held/metrics.csv").touch()
    with pytest.raises(RunError, match=r"already holds a run, of which .* is no checkpoint"):
        start(tmp_path / "held", str(other))


def test_an_earlier_checkpoint_of_the_run_says_what_is_dropped(tmp_path):
    early = checkpoint(tmp_path / "checkpoints/early.ckpt", age=5)
    late = checkpoint(tmp_path / "checkpoints/late.ckpt")
    assert (
        start(tmp_path, str(early)).said == f"Going back to {early}: what came after it is dropped"
    )
    assert start(tmp_path, str(late)).said == ""


def test_slurm_goes_on_by_the_same_command_from_whatever_is_newest(tmp_path, slurm):
    hpc = checkpoint(tmp_path / "hpc_ckpt_1.ckpt", age=5)
    assert start(tmp_path).checkpoint == hpc, "asked to requeue"
    assert start(tmp_path, first_rank=False).checkpoint == hpc, "all ranks alike"
    newer = checkpoint(tmp_path / "checkpoints/last.ckpt")
    assert start(tmp_path).checkpoint == newer, "it ran on and its node failed"


def test_slurm_goes_on_after_a_node_failed(tmp_path, slurm):
    last = checkpoint(tmp_path / "checkpoints/last.ckpt")
    with pytest.raises(RunError, match="already holds a run"):
        start(tmp_path)
    slurm.setenv("SLURM_RESTART_COUNT", "1")
    assert start(tmp_path).checkpoint == last
    last.unlink()
    (tmp_path / "metrics.csv").touch()
    assert start(tmp_path).left == [tmp_path / "metrics.csv"], "killed before its first checkpoint"


def test_last_of_no_run_is_refused():
    with pytest.raises(RunError, match="say of which run, with --run_dir"):
        start(None, "last")
    assert start(None).checkpoint is None
