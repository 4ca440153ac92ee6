"""Shared-prefix rows against plain rows, and against a dense mask over the row."""

import pytest
import torch

from speciarl_pl.policy.logprob import score_tokens
from speciarl_pl.policy.packing import pack
from speciarl_pl.policy.vision import deepstack_arguments, image_features, scatter

from . import tiny

LOGPROB_GAP = 1e-5
GRADIENT_GAP = 1e-4


def scores_and_gradient(policy, **options):
    """Log-probs, entropies and the adapter gradient of a loss that weighs every token apart."""
    groups = tiny.uneven_groups(policy)
    scores = policy.train().score(groups, temperature=0.7, **options)
    draw = torch.Generator().manual_seed(5)
    (scores.logprobs * torch.randn(scores.logprobs.shape, generator=draw)).sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in policy.trainable_parameters()])
    return scores, gradient


@pytest.mark.parametrize("checkpointing", [False, True], ids=["stored", "checkpointed"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_shared_rows_equal_plain_rows(qwen_dirs, family, checkpointing):
    plain, plain_gradient = scores_and_gradient(
        tiny.stirred_policy(qwen_dirs[family], rows="plain")
    )
    shared_policy = tiny.stirred_policy(
        qwen_dirs[family], rows="shared", gradient_checkpointing=checkpointing
    )
    shared, shared_gradient = scores_and_gradient(shared_policy)

    assert (shared.logprobs - plain.logprobs).abs().max() < LOGPROB_GAP
    assert (shared.entropy - plain.entropy).abs().max() < LOGPROB_GAP
    assert torch.equal(shared.mask, plain.mask)
    gap = (shared_gradient - plain_gradient).norm() / plain_gradient.norm()
    assert gap < GRADIENT_GAP


def test_each_adapter_tensor_gets_the_gradient_of_plain_rows(qwen_dir):
    gradients = {}
    for rows in ("plain", "shared"):
        policy = tiny.stirred_policy(qwen_dir, rows=rows)
        scores_and_gradient(policy)
        named = policy.named_parameters()
        gradients[rows] = {name: p.grad for name, p in named if p.requires_grad}
    for name, plain in gradients["plain"].items():
        gap = (gradients["shared"][name] - plain).norm() / plain.norm()
        assert gap < GRADIENT_GAP, name


def test_checkpointing_really_recomputes_the_layers(qwen_dir):
    policy = tiny.stirred_policy(qwen_dir, gradient_checkpointing=True).train()
    calls = []
    layer = policy.base.model.language_model.layers[0].self_attn
    layer.register_forward_hook(lambda *_: calls.append(1))
    scores_and_gradient(policy)
    assert len(calls) == 2


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_split_attention_equals_a_dense_mask_over_the_row(qwen_dirs, family):
    policy = tiny.stirred_policy(qwen_dirs[family])
    groups = tiny.uneven_groups(policy)
    base = policy.base
    row = pack(base.model, groups, policy.device)
    features = image_features(base.model, [group.prompt for group in groups])
    embeds = base.model.language_model.embed_tokens(row.input_ids)
    hidden = base.model.language_model(
        inputs_embeds=scatter(embeds, row.image_mask, features),
        attention_mask=dense_mask(row.layout),
        position_ids=row.positions,
        use_cache=False,
        **deepstack_arguments(row.image_mask, features),
    ).last_hidden_state[0]
    dense = score_tokens(
        hidden[row.predictors],
        base.lm_head.weight,
        row.targets,
        temperature=1.0,
        banned=torch.tensor(policy.banned_token_ids),
    )
    scores = policy.score(groups)
    assert (scores.logprobs[scores.mask] - dense.logprobs).abs().max() < LOGPROB_GAP


def dense_mask(layout):
    """Bool [1, 1, L, L], token by token: my prompt, and what came before in my own part."""
    parts = [("prompt", i) for i, length in enumerate(layout.prompts) for _ in range(length)]
    owners = [i for i, size in enumerate(layout.sizes) for _ in range(size)]
    parts += [(r, owners[r]) for r, length in enumerate(layout.completions) for _ in range(length)]
    mask = torch.zeros(len(parts), len(parts), dtype=torch.bool)
    for query, (part, owner) in enumerate(parts):
        for key in range(query + 1):
            mask[query, key] = parts[key] in ((part, owner), ("prompt", owner))
    return mask[None, None]


def test_a_completion_does_not_see_its_neighbours(policy):
    both = tiny.uneven_groups(policy)
    scores = policy.score(both)
    alone = policy.score(both[1:2])
    length = alone.logprobs.shape[1]
    assert torch.allclose(scores.logprobs[3:5, :length], alone.logprobs, atol=1e-5)


def test_given_features_change_nothing(policy):
    groups = tiny.uneven_groups(policy)
    features = policy.image_features([group.prompt for group in groups])
    given = policy.score(groups, features=features).logprobs
    assert torch.equal(given, policy.score(groups).logprobs)
