"""A gradient that is not finite costs its step and nothing else; a run of them stops the run."""

import csv

import pytest
import runs
import torch
from interruptions import Overflowing
from test_update import ADAMW, groups_for

from speciarl_pl.grpo import GRPOLoss
from speciarl_pl.step.nonfinite import likely_cause
from speciarl_pl.step.ranks import Ranks
from speciarl_pl.step.update import PolicyUpdate

ENGINE = "--rollout=interruptions.Overflowing"


@pytest.fixture(params=["float32", "bfloat16"])
def policy(request):
    return runs.world_policy(dtype=request.param)


def state(policy, optimizer):
    moments = [value for one in optimizer.state.values() for value in one.values()]
    return [p.detach().clone() for p in policy.trainable_parameters()] + [
        m.clone() for m in moments
    ]


class Overflow:
    """A backward pass whose gradients are NaN at the calls in `at`."""

    def __init__(self, *at):
        self.at, self.calls = at, 0

    def __call__(self, loss):
        factor = float("nan") if self.calls in self.at else 1.0
        self.calls += 1
        (loss * factor).backward()


def test_such_a_step_touches_neither_adapter_nor_optimiser(policy):
    scored = groups_for(policy)
    optimizer = ADAMW(policy.trainable_parameters())
    update = PolicyUpdate(policy, GRPOLoss())
    update(scored, optimizer, Ranks())
    before = state(policy, optimizer)
    logged = update(scored, optimizer, Ranks(backward=Overflow(0)))
    assert logged == {"skipped_updates": 1.0}
    for one, other in zip(before, state(policy, optimizer), strict=True):
        assert torch.equal(one, other)
    assert all(p.grad is None for p in policy.parameters())


def test_the_other_mini_batches_are_learned(policy):
    scored = groups_for(policy)
    update = PolicyUpdate(policy, GRPOLoss(), mini_batches=2)
    optimizer = ADAMW(policy.trainable_parameters())
    before = state(policy, optimizer)
    logged = update(scored, optimizer, Ranks(backward=Overflow(0)))
    assert logged["skipped_updates"] == 1.0
    assert 0 < logged["grad_norm"] < float("inf")
    after = state(policy, optimizer)
    assert not all(torch.equal(a, b) for a, b in zip(before, after, strict=False))
    assert all(tensor.isfinite().all() for tensor in after)


def test_weights_that_are_not_finite_are_named(policy):
    assert "the weights are finite" in likely_cause(policy)
    name, weight = next(iter(policy.named_parameters()))
    weight.data.view(-1)[3] = float("inf")
    assert likely_cause(policy) == f"weights are not finite: {name}"


# ------------------------------------------------------------------ a whole run


@pytest.fixture
def fit(commands, monkeypatch):
    def run(on):
        monkeypatch.setattr(Overflowing, "on", on)
        return commands("fit", "run", ENGINE, "--trainer.limit_val_batches=0")

    return run


@pytest.mark.slow
def test_a_run_goes_on_after_two_of_them(fit, tmp_path):
    assert fit({1, 2}) == 0
    with (tmp_path / "run" / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["skipped_updates"]) for row in rows] == [0, 1, 1, 0]
    assert [bool(row["grad_norm"]) for row in rows] == [True, False, False, True]


@pytest.mark.slow
def test_a_run_stops_after_three_in_a_row(fit, tmp_path, capsys):
    assert fit({1, 2, 3}) == 1
    error = capsys.readouterr().err
    assert "the gradients of 3 batches in a row were not finite" in error
    saved = tmp_path / "run" / "nonfinite.0.pt"
    assert str(saved) in error
    step = torch.load(saved, weights_only=True)
    assert step["step"] == 3
    assert [len(group["tokens"]) for group in step["groups"]] == [2, 2]
    assert all(row.isfinite().all() for group in step["groups"] for row in group["logprobs"])


def test_a_reward_of_infinity_is_refused(commands, capsys, monkeypatch):
    infinite = lambda _, group: torch.full((len(group.outcomes),), float("inf"))  # noqa: E731
    monkeypatch.setattr(runs.Luck, "__call__", infinite)
    assert commands("fit", "run") == 1
    assert "reward: Luck: expected finite numbers, or NaN" in capsys.readouterr().err
