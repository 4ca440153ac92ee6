from types import SimpleNamespace

import factory
import pytest
import torch

from speciarl_pl.callbacks import RunRecorder
from speciarl_pl.run.record import read_record


@pytest.fixture
def trainer_in(tmp_path):
    def trainer(fn="fit", ckpt_path=None, rank_zero=True):
        return SimpleNamespace(
            default_root_dir=str(tmp_path),
            is_global_zero=rank_zero,
            world_size=2,
            state=SimpleNamespace(fn=fn),
            ckpt_path=ckpt_path,
            datamodule=factory.data_module(prompt="What is this?"),
            strategy=SimpleNamespace(root_device=torch.device("cpu")),
            device_ids=[0],
        )

    return trainer


START = {"fit": "on_fit_start", "validate": "on_validation_start", "predict": "on_predict_start"}


def session(trainer, resumed=False, killed=False):
    """Run the hooks of a command; a killed one comes to its first checkpoint."""
    recorder = RunRecorder()
    recorder.setup(trainer, None, "")
    if resumed:
        recorder.on_load_checkpoint(trainer, None, {})
    getattr(recorder, START[trainer.state.fn])(trainer, None)
    recorder.on_save_checkpoint(trainer, None, {})
    if not killed:
        recorder.teardown(trainer, None, "")


def states(folder):
    return [(one.command, one.finished) for one in read_record(folder)]


def test_a_run_is_noted(trainer_in, tmp_path):
    session(trainer_in())
    (one,) = read_record(tmp_path)
    assert (one.command, one.finished, one.processes) == ("fit", True, 2)
    assert (one.prompt, one.checkpoint, one.machine["gpu"]) == ("What is this?", None, "")
    assert one.seconds >= 0
    assert one.started[10] == "T"
    assert one.started[-6] in "+-"


def test_a_fit_that_goes_on_is_another_session_and_one_that_begins_anew_replaces(
    trainer_in, tmp_path
):
    session(trainer_in(), killed=True)
    assert states(tmp_path) == [("fit", False)]
    session(trainer_in(ckpt_path="last.ckpt"), resumed=True)
    assert states(tmp_path) == [("fit", False), ("fit", True)]
    assert read_record(tmp_path)[1].checkpoint == "last.ckpt"
    session(trainer_in())
    assert states(tmp_path) == [("fit", True)]


@pytest.mark.parametrize("fn", ["validate", "predict"])
def test_a_command_without_checkpoints_goes_on_if_it_was_cut_short(trainer_in, tmp_path, fn):
    session(trainer_in(fn), killed=True)
    session(trainer_in(fn))
    assert states(tmp_path) == [(fn, False), (fn, True)]
    session(trainer_in(fn))
    assert states(tmp_path) == [(fn, True)]


def test_other_ranks_write_nothing(trainer_in, tmp_path):
    session(trainer_in(rank_zero=False))
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_read_or_written_is_said_and_the_run_goes_on(
    trainer_in, tmp_path, capsys
):
    (tmp_path / "run.json").write_text("{")
    session(trainer_in(ckpt_path="x"), resumed=True)
    assert "run.json: Invalid JSON" in capsys.readouterr().err
    assert states(tmp_path) == [("fit", True)]
    (tmp_path / "run.json").unlink()
    (tmp_path / "run.json").mkdir()
    session(trainer_in())
    assert "no run.json: " in capsys.readouterr().err
