from types import SimpleNamespace

import pytest
import torch

from speciarl_pl.callbacks import ProgressLines, progress_lines
from speciarl_pl.callbacks.progress_lines import training_line


@pytest.fixture
def clock(monkeypatch):
    """The time in seconds; `clock.now` may be set."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(progress_lines, "_CLOCK", lambda: clock.now)
    return clock


def trainer(total=20, bar=None, rank_zero=True):
    return SimpleNamespace(
        is_global_zero=rank_zero,
        progress_bar_callback=bar,
        estimated_stepping_batches=total,
        callback_metrics={},
        predicting=False,
        sanity_checking=False,
        num_val_batches=[10],
        num_predict_batches=[10],
    )


def train(lines, of, clock, steps, seconds, begin=0):
    for step in range(begin, steps):
        lines.on_train_batch_start(of, None, None, step)
        clock.now += seconds
        of.callback_metrics = {"reward": torch.tensor(step / 10), "correctness": torch.tensor(0.5)}
        lines.on_train_batch_end(of, SimpleNamespace(batches_trained=step + 1), {}, None, step)


def said(capsys):
    return capsys.readouterr().err.splitlines()


def test_the_first_step_then_one_line_an_interval_then_the_last_step(clock, capsys):
    train(ProgressLines(every_s=30), trainer(), clock, 20, 8.0)
    lines = said(capsys)
    assert [line.split(":")[0] for line in lines] == [
        "step 1 of 20",
        "step 5 of 20",
        "step 9 of 20",
        "step 13 of 20",
        "step 17 of 20",
        "step 20 of 20",
    ]
    # means of steps 1 to 4 since the line before; 15 steps of 8 s are left
    assert lines[1] == (
        "step 5 of 20: reward 0.250, specificity -, correctness 0.500; 8.0 s a step, 2 min 0 s left"
    )


def test_the_time_of_a_validation_is_not_that_of_a_step(clock, capsys):
    lines, of = ProgressLines(every_s=0), trainer()
    train(lines, of, clock, 1, 8.0)
    lines.on_validation_start(of, None)
    clock.now += 500
    lines.on_validation_batch_end(of, None, None, None, 0)
    lines.on_validation_end(of, None)
    train(lines, of, clock, 2, 8.0, begin=1)
    found = said(capsys)
    assert found[1] == "validating: batch 1 of 10; 500.0 s a batch, 1 h 15 min left"
    assert "8.0 s a step" in found[2]


def test_a_prediction_says_so(clock, capsys):
    lines, of = ProgressLines(every_s=0), trainer()
    of.predicting = True
    lines.on_predict_start(of, None)
    clock.now += 2
    lines.on_predict_batch_end(of, None, None, None, 0)
    assert said(capsys) == ["predicting: batch 1 of 10; 2.0 s a batch, 18.0 s left"]


def test_the_number_of_steps_may_be_unknown():
    line = training_line(3, float("inf"), {"reward": float("nan")}, 0.01)
    assert line == "step 3: reward -, specificity -, correctness -; 0.010 s a step"


@pytest.mark.parametrize(
    ("options", "terminal", "count"),
    [
        ({}, True, 2),
        ({"bar": object()}, False, 2),
        ({"bar": object()}, True, 0),
        ({"rank_zero": False}, False, 0),
    ],
    ids=["no bar", "bar that nobody sees", "bar", "other rank"],
)
def test_lines_stand_in_for_a_progress_bar(clock, capsys, monkeypatch, options, terminal, count):
    monkeypatch.setattr(progress_lines.sys.stdout, "isatty", lambda: terminal, raising=False)
    train(ProgressLines(every_s=0), trainer(**options), clock, 2, 1.0)
    assert len(said(capsys)) == count


def test_they_can_be_turned_off(clock, capsys):
    train(ProgressLines(every_s=None), trainer(), clock, 20, 99.0)
    assert said(capsys) == []


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"^every_s: expected a number >= 0 or null, got -1"):
        ProgressLines(-1)
