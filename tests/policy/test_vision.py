from dataclasses import replace
from functools import partial

import pytest
import torch

from speciarl_pl.policy.rows.vision import image_features

from . import tiny


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_features_of_a_batch_equal_those_of_each_image(qwen_dirs, family):
    policy = tiny.stirred_policy(qwen_dirs[family])
    prompts = [group.prompt for group in tiny.uneven_groups(policy)]
    features = partial(image_features, policy.base, pad_token_id=policy.pad_token_id)
    together = features(prompts)
    for prompt, feature in zip(prompts, together, strict=True):
        (alone,) = features([prompt])
        assert feature.embeds.shape == (int(prompt.mm_token_type_ids.sum()), 64)
        assert not feature.embeds.requires_grad
        assert torch.allclose(feature.embeds, alone.embeds, atol=1e-5)
        assert len(feature.deepstack) == (2 if family == "qwen3_vl" else 0)
        for level, level_alone in zip(feature.deepstack, alone.deepstack, strict=True):
            assert torch.allclose(level, level_alone, atol=1e-5)


def test_the_tower_runs_once_for_policy_and_reference(policy):
    groups = tiny.uneven_groups(policy)
    calls = []
    policy.base.model.visual.register_forward_hook(lambda *_: calls.append(1))
    rows = policy.lay_out(groups)
    policy.score(rows, reference=True)
    policy.score(rows).logprobs.sum().backward()
    assert len(calls) == 1


def test_the_image_matters(policy):
    groups = tiny.uneven_groups(policy)
    rows = policy.lay_out(groups)
    blank = [type(f)(torch.zeros_like(f.embeds)) for f in rows.features]
    unseen = replace(rows, features=blank)
    gap = policy.score(rows).logprobs - policy.score(unseen).logprobs
    assert gap.abs().max() > 1e-3
