import importlib.util

import pytest
import torch

from speciarl_pl.errors import MissingExtraError, ModelError
from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.policy.weights.quantize import check_quantized, quantized_names

from . import tiny

PARTS = (
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
)


def policy_4bit(directory, **options):
    torch.manual_seed(0)
    return load_policy(directory, lora=LoraSpec(r=4), quantization="nf4", **options)


@pytest.mark.slow
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_exactly_the_linear_layers_of_the_language_model_are_4_bit(qwen_dirs, family):
    policy = policy_4bit(qwen_dirs[family])
    found = {name.removesuffix(".base_layer") for name in quantized_names(policy.base)}
    layers = range(tiny.TEXT["num_hidden_layers"])
    assert found == {f"model.language_model.layers.{i}.{part}" for i in layers for part in PARTS}
    rest = [*policy.base.model.visual.parameters(), *policy.base.lm_head.parameters()]
    assert all(parameter.dtype == torch.float32 for parameter in rest)


@pytest.mark.slow
def test_it_trains_after_it_has_drawn(qwen_dirs):
    """On CPUs with AVX512-BF16 bitsandbytes would repack its weights in eval mode, for good."""
    policy = policy_4bit(qwen_dirs["qwen2_5_vl"], dtype="bfloat16")
    groups = tiny.uneven_groups(policy)
    with torch.no_grad(), policy.evaluating():
        drawn = policy.score(policy.lay_out(groups)).logprobs
    policy.train()
    scores = policy.score(policy.lay_out(groups))
    scores.logprobs.sum().backward()
    torch.testing.assert_close(scores.logprobs.detach(), drawn)
    assert any(p.grad is not None and p.grad.any() for p in policy.trainable_parameters())


@pytest.mark.slow
@pytest.mark.parametrize("checkpointing", [False, True], ids=["stored", "checkpointed"])
def test_a_few_steps_lower_the_loss_and_move_the_adapter_only(qwen_dir, checkpointing):
    policy = policy_4bit(qwen_dir, gradient_checkpointing=checkpointing).train()
    groups = tiny.uneven_groups(policy)
    frozen = {n: p.detach().clone() for n, p in policy.named_parameters() if not p.requires_grad}
    optimizer = torch.optim.AdamW(policy.trainable_parameters(), lr=1e-2)
    losses = []
    for _ in range(6):
        scores = policy.score(policy.lay_out(groups))
        loss = -scores.logprobs.sum() / scores.mask.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1
    named = dict(policy.named_parameters())
    assert all(torch.equal(named[name], before) for name, before in frozen.items())


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "gap"), [("float32", 1e-5), ("bfloat16", 1e-2)])
def test_shared_rows_equal_plain_rows_on_4_bit_weights(qwen_dir, dtype, gap):
    policy = tiny.stir(policy_4bit(qwen_dir, dtype=dtype))
    groups = tiny.uneven_groups(policy)
    shared = policy.score(policy.lay_out(groups)).logprobs
    policy.rows = "plain"
    assert (policy.score(policy.lay_out(groups)).logprobs - shared).abs().max() < gap


@pytest.mark.slow
def test_a_quantised_policy_stays_near_the_exact_one(qwen_dir):
    exact = tiny.load_policy(qwen_dir, lora=LoraSpec(r=4))
    groups = tiny.uneven_groups(exact)
    coarse = policy_4bit(qwen_dir)
    found, wanted = (one.score(one.lay_out(groups)).logprobs for one in (coarse, exact))
    gap = found - wanted
    assert 0 < gap.abs().max() < 0.5


def test_a_layer_that_should_be_4_bit_and_is_not_is_named(qwen_dir):
    policy = load_policy(qwen_dir, lora=LoraSpec(r=2))
    with pytest.raises(ModelError, match=r"here: expected 4-bit .* got 0 4-bit layers"):
        check_quantized(policy.base, "here")


def test_without_bitsandbytes_the_extra_is_named(qwen_dir, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "speciarl_pl.policy.weights.quantize.find_spec",
        lambda name: None if name == "bitsandbytes" else find(name),
    )
    with pytest.raises(MissingExtraError, match=r"speciarl_pl\[qlora\]"):
        policy_4bit(qwen_dir)
