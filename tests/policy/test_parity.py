"""Shared-prefix rows against plain rows, and against a dense mask over the row."""

import pytest
import torch

from speciarl_pl.policy.rows.logprob import score_tokens
from speciarl_pl.policy.rows.packing import pack
from speciarl_pl.policy.rows.vision import deepstack_arguments, image_features, scatter

from . import tiny
from .exact import exact_logprobs, exact_policy, gap
from .exact import gradient as adapter_gradient

LOGPROB_GAP = 1e-5
GRADIENT_GAP = 1e-4
GAPS = {"float32": (LOGPROB_GAP, LOGPROB_GAP, GRADIENT_GAP), "bfloat16": (1e-2, 1e-3, 5e-2)}
"""Nats of a log-probability, nats of an entropy, share of the gradient. What was seen is 7e-7, 5e-7
and 1e-6 with float32, and with bfloat16, which rounds in every layer, 4e-3, 8e-5 and 2.4e-2."""


def weights_of(scores):
    """A loss that weighs every token apart."""
    draw = torch.Generator().manual_seed(5)
    return torch.randn(scores.shape, generator=draw)


def scores_and_gradient(policy, **options):
    """Log-probs, entropies and the adapter gradient."""
    groups = tiny.uneven_groups(policy)
    policy.train()
    scores = policy.score(policy.lay_out(groups), temperature=0.7, **options)
    (scores.logprobs * weights_of(scores.logprobs)).sum().backward()
    return scores, adapter_gradient(policy)


def exact_scores_and_gradient(policy):
    """The same of its weights in float64; the scores without padding, in a line."""
    exact, groups = exact_policy(policy), tiny.uneven_groups(policy)
    logprobs, mask = exact_logprobs(exact, groups, 0.7), policy.score(policy.lay_out(groups)).mask
    (logprobs * weights_of(logprobs))[mask].sum().backward()
    return logprobs.detach()[mask], adapter_gradient(exact)


@pytest.mark.parametrize("dtype", GAPS)
@pytest.mark.parametrize("checkpointing", [False, True], ids=["stored", "checkpointed"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_shared_rows_equal_plain_rows_and_both_float64(qwen_dirs, family, checkpointing, dtype):
    logprob_gap, entropy_gap, gradient_gap = GAPS[dtype]
    plain_policy = tiny.stirred_policy(qwen_dirs[family], rows="plain", dtype=dtype)
    exact, exact_gradient = exact_scores_and_gradient(plain_policy)
    plain, plain_gradient = scores_and_gradient(plain_policy)
    shared_policy = tiny.stirred_policy(
        qwen_dirs[family], rows="shared", dtype=dtype, gradient_checkpointing=checkpointing
    )
    shared, shared_gradient = scores_and_gradient(shared_policy)

    assert torch.equal(shared.mask, plain.mask)
    for scores, gradient in ((plain, plain_gradient), (shared, shared_gradient)):
        assert (scores.logprobs[scores.mask] - exact).abs().max() < logprob_gap
        assert gap(gradient, exact_gradient) < gradient_gap
    assert (shared.logprobs - plain.logprobs).abs().max() < logprob_gap
    assert (shared.entropy - plain.entropy).abs().max() < entropy_gap
    assert gap(shared_gradient, plain_gradient) < gradient_gap


@pytest.mark.parametrize(("dtype", "gradient_gap"), [("float32", 1e-4), ("bfloat16", 0.1)])
def test_each_adapter_tensor_gets_the_gradient_of_plain_rows(qwen_dir, dtype, gradient_gap):
    gradients = {}
    for rows in ("plain", "shared"):
        policy = tiny.stirred_policy(qwen_dir, rows=rows, dtype=dtype)
        scores_and_gradient(policy)
        named = policy.named_parameters()
        gradients[rows] = {name: p.grad for name, p in named if p.requires_grad}
    for name, plain in gradients["plain"].items():
        assert gap(gradients["shared"][name], plain) < gradient_gap, name


def test_checkpointing_really_recomputes_the_layers(qwen_dir):
    policy = tiny.stirred_policy(qwen_dir, gradient_checkpointing=True).train()
    calls = []
    layer = policy.base.model.language_model.layers[0].self_attn
    layer.register_forward_hook(lambda *_: calls.append(1))
    scores_and_gradient(policy)
    assert len(calls) == 2


@pytest.mark.parametrize("dtype", GAPS)
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_split_attention_equals_a_dense_mask_over_the_row(qwen_dirs, family, dtype):
    policy = tiny.stirred_policy(qwen_dirs[family], dtype=dtype)
    with policy.autocast():
        dense = scores_under_a_dense_mask(policy, tiny.uneven_groups(policy))
    scores = policy.score(policy.lay_out(tiny.uneven_groups(policy)))
    assert (scores.logprobs[scores.mask] - dense.logprobs).abs().max() < GAPS[dtype][0]


def scores_under_a_dense_mask(policy, groups):
    base = policy.base
    row = pack(base, groups, policy.device)
    features = image_features(base, [group.prompt for group in groups], pad_token_id=0)
    embeds = base.model.language_model.embed_tokens(row.input_ids)
    hidden = base.model.language_model(
        inputs_embeds=scatter(embeds, row.image_mask, features),
        attention_mask=dense_mask(row.layout),
        position_ids=row.positions,
        use_cache=False,
        **deepstack_arguments(row.image_mask, features),
    ).last_hidden_state[0]
    return score_tokens(
        hidden[row.predictors],
        base.lm_head.weight,
        row.targets,
        temperature=1.0,
        banned=torch.tensor(policy.banned_token_ids),
    )


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


@pytest.mark.parametrize("dtype", GAPS)
def test_a_completion_does_not_see_its_neighbours(qwen_dir, dtype):
    policy = tiny.stirred_policy(qwen_dir, dtype=dtype)
    both = tiny.uneven_groups(policy)
    scores = policy.score(policy.lay_out(both))
    alone = policy.score(policy.lay_out(both[1:2]))
    length = alone.logprobs.shape[1]
    assert (scores.logprobs[3:5, :length] - alone.logprobs).abs().max() < GAPS[dtype][0]


@pytest.mark.parametrize("kind", ["shared", "plain"])
def test_rows_laid_out_once_are_scored_the_same_in_every_pass(qwen_dir, kind):
    policy = tiny.stirred_policy(qwen_dir, rows=kind)
    rows, groups = policy.lay_out(tiny.uneven_groups(policy)), tiny.uneven_groups(policy)
    for options in ({}, {"reference": True}, {"entropy": False}, {"temperature": 0.7}):
        found, anew = policy.score(rows, **options), policy.score(policy.lay_out(groups), **options)
        assert torch.equal(found.logprobs, anew.logprobs)
        assert torch.equal(found.entropy, anew.entropy)
