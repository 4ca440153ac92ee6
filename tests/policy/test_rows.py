"""Which models score on shared-prefix rows is tried: what differs is found, and said."""

import copy
import logging

import pytest
import torch
from families import save
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.policy.rows.shared_rows import say_once
from speciarl_pl.policy.rows.trial import obstacle

from . import tiny


@pytest.fixture
def told(caplog):
    """What is said to the user, the first time again."""
    say_once.cache_clear()
    with caplog.at_level(logging.WARNING, "speciarl_pl"):
        yield caplog


@pytest.fixture(scope="module")
def loaded(llava_dir):
    return tiny.stirred_policy(llava_dir, rows="shared")


@pytest.fixture
def llava(loaded):
    """One to break."""
    return copy.deepcopy(loaded)


def decoder_of(policy):
    return policy.base.get_decoder()


def test_a_language_model_that_takes_positions_and_our_attention_passes(llava):
    assert obstacle(llava) is None
    assert llava.rows == "shared"
    assert not llava.training


def ask(**option):
    """Let attention layers give their attention function one more argument."""

    def change(policy):
        for layer in decoder_of(policy).layers:
            layer.self_attn.register_forward_pre_hook(
                lambda _, given, named: (given, named | option), with_kwargs=True
            )

    return change


def drop_the_blocks(policy):
    decoder_of(policy).layers[1].self_attn.register_forward_pre_hook(
        lambda _, given, named: (given, {**named, "row_blocks": None}), with_kwargs=True
    )


def look_ahead(policy):
    decoder_of(policy).layers[2].self_attn.is_causal = False


def count_alone(policy):
    """Positions that the language model makes up itself."""
    decoder_of(policy).rotary_emb.register_forward_pre_hook(
        lambda _, given, named: (
            given,
            {"position_ids": torch.arange(given[0].shape[1])[None]},
        ),
        with_kwargs=True,
    )


def bend_the_logits(policy):
    policy.base.register_forward_hook(
        lambda _, __, output: setattr(output, "logits", output.logits.tanh())
    )


def lose_the_numbers(policy):
    decoder_of(policy).norm.weight.data.fill_(torch.nan)


def hand_over(**named):
    """Let the model give its language model something else."""

    def change(policy):
        decoder_of(policy).register_forward_pre_hook(
            lambda _, given, old: (given, old | named), with_kwargs=True
        )

    return change


def scale_the_text(policy):
    decoder_of(policy).register_forward_pre_hook(
        lambda _, given, old: (given, old | {"inputs_embeds": 2 * old["inputs_embeds"]}),
        with_kwargs=True,
    )


def shift_positions(policy):
    decoder_of(policy).register_forward_pre_hook(
        lambda _, given, old: (
            given,
            old | {"position_ids": torch.arange(1, old["inputs_embeds"].shape[1] + 1)[None]},
        ),
        with_kwargs=True,
    )


def never_call(policy):
    another = copy.deepcopy(decoder_of(policy))
    policy.base.get_decoder = lambda: another


OBSTACLES = {
    "softcap": (ask(softcap=50.0), "its attention takes softcap, which such rows do not heed"),
    "sinks": (ask(s_aux=torch.ones(4)), "its attention takes s_aux"),
    "window": (ask(sliding_window=8), "a sliding window of 8 tokens, fewer than a row of"),
    "another_attention": (drop_the_blocks, "1 of its 3 layers attend otherwise"),
    "both_ways": (look_ahead, "attend to what comes later"),
    "own_positions": (count_alone, "on shared rows its log-probabilities differ by"),
    "another_head": (bend_the_logits, "on shared rows its log-probabilities differ by"),
    "not_a_number": (lose_the_numbers, "differ by nan nats"),
    "cross_attention": (
        hand_over(cross_attention_states=torch.ones(1, 2, 3)),
        "its language model takes cross_attention_states too",
    ),
    "own_mask": (hand_over(attention_mask={}), "it masks attention in a way of its own"),
    "shifted": (
        shift_positions,
        "it counts positions in a way of its own",
    ),
    "no_embeddings": (hand_over(inputs_embeds=None), "no embeddings"),
    "scaled_text": (scale_the_text, "elsewhere than at its image tokens"),
    "no_language_model": (never_call, "does not call its language model"),
}


@pytest.mark.parametrize(("change", "reason"), OBSTACLES.values(), ids=OBSTACLES)
def test_what_shared_rows_lack_is_named(llava, change, reason):
    change(llava)
    assert reason in (obstacle(llava) or "")
    assert llava.rows == "shared", "as it was"


REFUSED = {
    "gemma3": "sliding window of 8 tokens",
    "mllama": "its language model takes .*cross_attention_states.*, no embeddings",
    "paligemma": "it masks attention in a way of its own",
    "qwen3_5": "1 of its 2 layers attend otherwise",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # PaliGemma's
@pytest.mark.parametrize(("family", "reason"), REFUSED.items(), ids=REFUSED)
def test_families_that_shared_rows_do_not_fit_go_on_plain_rows(tmp_path, told, family, reason):
    path = str(save(tmp_path / family, family))
    for _ in range(2):
        policy = load_policy(path, lora=LoraSpec(r=2))
        assert policy.rows == "plain"
        assert decoder_of(policy).config._attn_implementation == "sdpa"
    (said,) = (one.message for one in told.records if one.name.startswith("speciarl_pl"))
    assert said.startswith(f"{path}: every rollout is scored in a row of its own: ")
    with pytest.raises(ValueError, match=f"rows: expected plain or auto, got shared; .*{reason}"):
        load_policy(path, rows="shared")


ROPES = {
    "default": {},
    "linear": {"factor": 4.0},
    "llama3": {
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 32},
    "dynamic": {"factor": 2.0},
    "longrope": {
        "factor": 2.0,
        "short_factor": [1.0] * 8,
        "long_factor": [3.0] * 8,
        "original_max_position_embeddings": 200,
    },
}


def stretch(policy, kind):
    """Give the language model positions of another kind, trained on 200 tokens."""
    config = decoder_of(policy).config
    config.max_position_embeddings = 200
    config.rope_parameters = {"rope_type": kind, "rope_theta": 10000.0, **ROPES[kind]}
    decoder_of(policy).rotary_emb = LlamaRotaryEmbedding(config)


def on_both(policy, groups):
    found = []
    for rows in ("shared", "plain"):
        policy.rows = rows
        found.append(policy.score(policy.lay_out(groups), temperature=0.7).logprobs)
    return found


@pytest.mark.parametrize("kind", ROPES)
def test_positions_of_all_kinds_begin_anew_for_each_completion(llava, told, kind):
    stretch(llava, kind)
    assert obstacle(llava) is None
    shared, plain = on_both(llava, tiny.uneven_groups(llava))
    assert (shared - plain).abs().max() < 1e-5
    assert not told.messages


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_rows_beyond_the_length_that_positions_depend_on_go_on_plain_rows(llava, told, kind):
    stretch(llava, kind)
    groups = [tiny.group(llava, tiny.sample(), [5, 160]), tiny.group(llava, tiny.sample(), [3])]
    shared, plain = on_both(llava, groups)
    llava.rows = "shared"
    llava.score(llava.lay_out(groups))
    assert torch.equal(shared, plain)
    (said,) = told.messages
    assert "more than 200 tokens are scored with a row for every rollout: beyond 200" in said


@pytest.mark.slow
@pytest.mark.parametrize(("window", "notices"), [(1000, 0), (150, 1)])
def test_windows_matter_to_rows_that_are_longer(tmp_path, told, window, notices):
    policy = tiny.stirred_policy(str(save(tmp_path / "llava_next", "llava_next")))
    decoder_of(policy).config.sliding_window = window
    assert obstacle(policy) is None
    groups = [tiny.group(policy, tiny.sample(), [5, 160]), tiny.group(policy, tiny.sample(), [3])]
    shared, plain = on_both(policy, groups)
    assert (shared - plain).abs().max() < 1e-5
    assert len(told.messages) == notices
