"""The proof, on what engines could say; the real one says it in tests/callbacks."""

from dataclasses import replace

import pytest
import torch
from vllm_tools import change

from speciarl_pl.engine import EngineReport
from speciarl_pl.engine.fingerprint import fingerprint
from speciarl_pl.engine.proof import (
    check_reports,
    excerpt,
    gap_limit,
    likely_cause,
    measure_gap,
    module_names,
)
from speciarl_pl.errors import RolloutError
from speciarl_pl.sampling import Sampling

ONE = Sampling(max_new_tokens=16)
LIMIT = 1e-3


@pytest.fixture
def state(policy):
    return {name: tensor.clone() for name, tensor in policy.adapter_state_dict().items()}


def report(state, dtype=torch.float32, number=7):
    """What an engine that serves `state` says."""
    modules = {
        name: [
            fingerprint(state[f"{name}.lora_A.weight"].to(dtype)),
            fingerprint(state[f"{name}.lora_B.weight"].to(dtype)),
        ]
        for name in module_names(state)
    }
    return EngineReport([number], str(dtype).removeprefix("torch."), modules, [], 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_an_engine_that_serves_the_adapter_passes(state, dtype):
    check_reports([report(state, dtype)] * 2, state, "engine", 7)


def test_a_missing_module_is_counted_and_named(state):
    said = report(state)
    name = module_names(state)[3]
    del said.modules[name]
    count = len(module_names(state))
    with pytest.raises(RolloutError, match=rf"{count - 1} of {count} LoRA modules.*{name}"):
        check_reports([report(state), said], state, "engine")


def test_an_unknown_module_is_named(state):
    said = replace(report(state), unexpected=["layers.77.q_proj"])
    with pytest.raises(RolloutError, match=r"unexpected \['layers.77.q_proj'\]"):
        check_reports([said], state, "engine")


def test_an_engine_without_an_adapter_fails(state):
    with pytest.raises(RolloutError, match=r"expected adapter 7 alone to be loaded, got \[\]"):
        check_reports([EngineReport([], "", {}, [], 0)], state, "engine", 7)


def test_an_old_version_beside_the_new_fails(state):
    said = replace(report(state), adapters=[6, 7])
    with pytest.raises(RolloutError, match="an old version was not removed"):
        check_reports([said], state, "engine", 7)


def test_one_step_of_an_optimiser_is_seen(state, policy):
    with torch.no_grad():
        next(p for n, p in policy.named_parameters() if "lora_A" in n).add_(1e-5)
    now = policy.adapter_state_dict()
    with pytest.raises(RolloutError, match=r"weights of 1 of .* are not those of the policy"):
        check_reports([report(state)], now, "engine")


def test_another_scale_is_seen(state):
    halved = {name: t / 2 if "lora_B" in name else t for name, t in state.items()}
    with pytest.raises(RolloutError, match="are not those of the policy"):
        check_reports([report(halved)], state, "engine")


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_the_policys_own_rollouts_have_no_gap(policy, draw, temperature):
    sampling = replace(ONE, temperature=temperature)
    gap = measure_gap(policy, draw(sampling)[0], sampling)
    assert gap.max < 1e-4
    assert gap.mean <= gap.max


def test_gap_equals_a_plain_loop(policy, draw):
    group = draw(count=1)[0]
    shift = [0.1 * (index % 3) for index in range(group.rollouts[0].tokens.numel())]
    moved = replace(group.rollouts[0], logprobs=group.rollouts[0].logprobs + torch.tensor(shift))
    gap = measure_gap(policy, replace(group, rollouts=(moved,)), ONE)
    assert gap.mean == pytest.approx(sum(shift) / len(shift), abs=1e-5)
    assert gap.max == pytest.approx(max(shift), abs=1e-5)
    assert gap.tokens == len(shift)


@pytest.mark.parametrize(("excess", "gap"), [(0.0, 0), (0.3, 0), (-0.1, 0.1), (0.9, 0.2069)])
def test_what_the_nucleus_explains_is_no_gap(policy, draw, excess, gap):
    """With top-p 0.5 an engine may divide by anything from 0.5 to 1: up to 0.693 nats more."""
    group = draw(count=1)[0]
    rollouts = tuple(replace(r, logprobs=r.logprobs + excess) for r in group.rollouts)
    found = measure_gap(policy, replace(group, rollouts=rollouts), replace(ONE, top_p=0.5))
    assert found.mean == pytest.approx(gap, abs=1e-4)


def test_dropout_and_training_mode_do_not_matter(policy, draw):
    group = draw(count=1)[0]
    policy.train()
    assert measure_gap(policy, group, ONE).max < 1e-4
    assert policy.training


def test_excerpt_takes_the_first_tokens_of_the_first_rollouts(draw):
    group = draw(count=1, size=3)[0]
    part = excerpt(group, 2, 5)
    assert len(part.rollouts) == 2
    for short, whole in zip(part.rollouts, group.rollouts, strict=False):
        assert short.tokens.tolist() == whole.tokens[:5].tolist()
        assert short.logprobs.tolist() == whole.logprobs[:5].tolist()


def test_the_base_in_place_of_the_policy_is_recognised(policy, draw):
    with policy.model.disable_adapter():
        group = draw()[0]
    assert measure_gap(policy, group, ONE).mean > LIMIT
    assert "as the base does" in likely_cause(policy, group, ONE, LIMIT, None)


def test_an_old_version_is_recognised_and_the_policy_stays_as_it_is(policy, draw, state):
    group = draw()[0]
    change(policy)
    now = {name: tensor.clone() for name, tensor in policy.adapter_state_dict().items()}
    assert "version pushed before" in likely_cause(policy, group, ONE, LIMIT, state)
    for name, tensor in policy.adapter_state_dict().items():
        assert torch.equal(tensor, now[name])


def test_log_probs_before_temperature_are_recognised(policy, draw):
    hot = replace(ONE, temperature=1.6)
    with torch.no_grad():
        group = draw(hot, count=1)[0]
        scores = policy.score([group], temperature=1.0)
    rows = zip(group.rollouts, scores.logprobs, strict=True)
    raw = tuple(replace(r, logprobs=row[: r.tokens.numel()]) for r, row in rows)
    cause = likely_cause(policy, replace(group, rollouts=raw), hot, LIMIT, None)
    assert "processed_logprobs" in cause


@pytest.mark.slow
def test_anything_else_is_another_base(policy, draw):
    group = draw()[0]
    rollouts = tuple(replace(r, logprobs=r.logprobs - 1) for r in group.rollouts)
    cause = likely_cause(policy, replace(group, rollouts=rollouts), ONE, LIMIT, None)
    assert "another base model" in cause


def test_limits_grow_with_coarser_numbers(policy):
    exact = gap_limit(policy)
    assert exact == 1e-3
    assert exact < gap_limit(policy, torch.float16) < gap_limit(policy, torch.bfloat16)
    policy.base.is_quantized = True
    assert gap_limit(policy) > gap_limit(policy, torch.bfloat16) / 2
