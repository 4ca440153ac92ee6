import pytest
import torch

from speciarl_pl.policy.rows.inputs import row_inputs

from . import tiny
from .exact import exact_logprobs, exact_policy, gradient
from .exact import gap as relative_gap


@pytest.mark.parametrize(("dtype", "gap"), [("float32", 1e-5), ("bfloat16", 1e-2)])
def test_padding_on_both_sides_changes_nothing(qwen_dir, dtype, gap):
    policy = tiny.stirred_policy(qwen_dir, rows="plain", dtype=dtype)
    groups = tiny.uneven_groups(policy)
    together = policy.score(policy.lay_out(groups))
    rollouts = [(group, rollout) for group in groups for rollout in group.rollouts]
    for row, (group, rollout) in enumerate(rollouts):
        single = tiny.RolloutGroup(group.sample, group.prompt, (rollout,))
        alone = policy.score(policy.lay_out([single]))
        length = rollout.tokens.numel()
        assert (together.logprobs[row, :length] - alone.logprobs[0]).abs().max() < gap
        assert (together.entropy[row, :length] - alone.entropy[0]).abs().max() < gap


def test_rows_are_prompt_then_completion_between_padding(policy):
    groups = tiny.uneven_groups(policy)
    pairs = [(group.prompt, rollout) for group in groups for rollout in group.rollouts]
    prompts, rollouts = zip(*pairs, strict=True)
    completions = [rollout.tokens for rollout in rollouts]
    rows = row_inputs(policy.base, prompts, completions, pad_token_id=257)
    assert rows["input_ids"].shape == (9, 56 + 12)
    for row, (prompt, rollout) in enumerate(pairs):
        real = rows["attention_mask"][row].bool()
        expected = torch.cat([prompt.input_ids, rollout.tokens])
        assert torch.equal(rows["input_ids"][row][real], expected)
        assert (rows["input_ids"][row][~real] == 257).all()
    assert rows["image_grid_thw"].shape == (9, 3)


@pytest.mark.parametrize(
    ("dtype", "logprob_gap", "gradient_gap"), [("float32", 1e-5, 1e-4), ("bfloat16", 1e-2, 5e-2)]
)
def test_another_vlm_equals_itself_in_float64(llava_dir, dtype, logprob_gap, gradient_gap):
    policy = tiny.stirred_policy(llava_dir, rows="plain", dtype=dtype).train()
    groups = [tiny.group(policy, tiny.sample(56, 56), [4, 2])]
    exact = exact_policy(policy)
    scores, wanted = policy.score(policy.lay_out(groups)), exact_logprobs(exact, groups)
    mix = torch.linspace(-1, 2, wanted.numel()).view(wanted.shape)
    for logprobs in (scores.logprobs, wanted):
        (logprobs * mix)[scores.mask].sum().backward()
    assert (scores.logprobs - wanted)[scores.mask].abs().max() < logprob_gap
    assert relative_gap(gradient(policy), gradient(exact)) < gradient_gap
