from types import SimpleNamespace

import pytest
import torch

from speciarl_pl.policy.rows.decoders import decoder_call, image_token_id, row_limit
from speciarl_pl.policy.rows.inputs import row_inputs

from . import tiny


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_what_a_language_model_is_given_is_what_it_would_compute_with(qwen_dirs, family):
    policy = tiny.stirred_policy(qwen_dirs[family])
    prompts = [group.prompt for group in tiny.uneven_groups(policy)]
    inputs = row_inputs(policy.base, prompts, pad_token_id=policy.pad_token_id)
    seen = []
    hook = policy.base.get_decoder().register_forward_hook(
        lambda _, __, named, output: seen.append((named, output)), with_kwargs=True
    )
    with torch.no_grad():
        policy.base(**inputs, use_cache=False)
        hook.remove()
        call = decoder_call(policy.base, inputs)
    ((named, _),) = seen
    assert torch.equal(call.embeds, named["inputs_embeds"])
    assert torch.equal(call.positions, named["position_ids"])
    assert torch.equal(call.mask, inputs["attention_mask"])
    assert set(call.extra) == (
        {"visual_pos_masks", "deepstack_visual_embeds"} if family == "qwen3_vl" else set()
    )


def test_a_model_is_whole_after_it_was_stopped(policy):
    groups = tiny.uneven_groups(policy)
    before = policy.score(policy.lay_out(groups)).logprobs
    inputs = row_inputs(policy.base, [groups[0].prompt], pad_token_id=policy.pad_token_id)
    decoder_call(policy.base, inputs)
    assert not policy.base.get_decoder()._forward_pre_hooks
    assert torch.equal(policy.score(policy.lay_out(groups)).logprobs, before)


def model_with(**config):
    return SimpleNamespace(config=SimpleNamespace(**config))


def test_the_image_token_is_the_one_that_the_config_declares():
    assert image_token_id(model_with(image_token_id=None, image_token_index=7)) == 7
    with pytest.raises(ValueError, match="names no image token"):
        image_token_id(model_with())


def decoder_with(rope=None, **config):
    decoder = torch.nn.Module()
    decoder.config = SimpleNamespace(**config)
    if rope:
        decoder.rotary = torch.nn.Module()
        decoder.rotary.rope_type = rope["rope_type"]
        decoder.rotary.original_max_seq_len = 4096
        decoder.rotary.config = SimpleNamespace(rope_parameters=rope)
    return SimpleNamespace(get_decoder=lambda: decoder)


LIMITS = {
    "none": ({}, None),
    "no_window": ({"sliding_window": None}, None),
    "window": ({"sliding_window": 512}, 512),
    "chunks": ({"attention_chunk_size": 8192}, 8192),
    "yarn": ({"rope": {"rope_type": "yarn"}}, None),
    "dynamic": ({"rope": {"rope_type": "dynamic", "factor": 2.0}}, 4096),
    "longrope": (
        {"rope": {"rope_type": "longrope", "original_max_position_embeddings": 1024}},
        1024,
    ),
    "the_lower": ({"sliding_window": 8192, "rope": {"rope_type": "dynamic"}}, 4096),
}


@pytest.mark.parametrize(("options", "tokens"), LIMITS.values(), ids=LIMITS)
def test_rows_are_limited_where_they_depend_on_their_length(options, tokens):
    limit = row_limit(decoder_with(**options))
    assert (limit and limit.tokens) == tokens
    if limit:
        assert str(tokens) in limit.reason
