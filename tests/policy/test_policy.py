import json
import pickle

import pytest
import torch
from peft import PeftConfig, PeftModel
from peft.utils import get_peft_model_state_dict
from transformers import AutoModelForImageTextToText

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.rows.inputs import row_inputs
from speciarl_pl.records import Rollout

from . import tiny


def test_scores_have_the_promised_form(policy):
    groups = tiny.uneven_groups(policy)
    scores = policy.score(policy.lay_out(groups))
    lengths = [r.tokens.numel() for g in groups for r in g.rollouts]
    assert scores.logprobs.shape == scores.entropy.shape == scores.mask.shape == (9, 12)
    assert scores.logprobs.dtype == scores.entropy.dtype == torch.float32
    assert scores.mask.sum(-1).tolist() == lengths
    assert scores.logprobs[~scores.mask].abs().sum() == 0
    assert (scores.logprobs[scores.mask] < 0).all()
    assert scores.entropy[~scores.mask].abs().sum() == 0


def test_gradients_reach_the_adapter_only(policy):
    policy.train()
    policy.score(policy.lay_out(tiny.uneven_groups(policy))).logprobs.sum().backward()
    with_gradient = {name for name, p in policy.named_parameters() if p.grad is not None}
    adapter = {name for name, p in policy.named_parameters() if p.requires_grad}
    assert with_gradient == adapter
    assert all("lora_" in name and "language_model" in name for name in adapter)
    assert all(p.dtype == torch.float32 for p in policy.trainable_parameters())


def test_reference_is_the_base_without_gradient(policy, qwen_dir):
    groups = tiny.uneven_groups(policy)
    reference = policy.score(policy.lay_out(groups), reference=True)
    assert not reference.logprobs.requires_grad
    fresh = tiny.load_policy(qwen_dir, lora=tiny.LoraSpec(r=4))
    base = fresh.score(fresh.lay_out(groups))
    assert torch.allclose(reference.logprobs, base.logprobs, atol=1e-6)
    after = policy.score(policy.lay_out(groups))
    assert after.logprobs.requires_grad
    assert (after.logprobs - reference.logprobs).abs().max() > 0.01


def test_a_reference_pass_between_forward_and_backward_changes_no_gradient(qwen_dir):
    gradients = []
    for between in (False, True):
        policy = tiny.stirred_policy(qwen_dir, gradient_checkpointing=True).train()
        groups = tiny.uneven_groups(policy)
        scores = policy.score(policy.lay_out(groups))
        if between:
            policy.score(policy.lay_out(groups), reference=True)
        scores.logprobs.sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in policy.trainable_parameters()]))
    assert torch.equal(*gradients)


def test_sampled_logprobs_of_generate_equal_the_scores(policy):
    shown = tiny.sample(84, 56)
    prompt = policy.encode(shown)
    inputs = row_inputs(policy.base, [prompt] * 3, pad_token_id=policy.pad_token_id)
    torch.manual_seed(0)
    output = policy.base.generate(
        **inputs,
        do_sample=True,
        top_k=0,
        max_new_tokens=8,
        suppress_tokens=policy.banned_token_ids,
        return_dict_in_generate=True,
        output_scores=True,
        pad_token_id=policy.pad_token_id,
    )
    tokens = output.sequences[:, inputs["input_ids"].shape[1] :]
    steps = torch.stack(output.scores, dim=1).log_softmax(-1)
    sampled = steps.gather(-1, tokens[..., None]).squeeze(-1)
    rollouts = tuple(Rollout(t, s, "", "length", 0) for t, s in zip(tokens, sampled, strict=True))
    scores = policy.score(policy.lay_out([tiny.RolloutGroup(shown, prompt, rollouts)]))
    alive = (tokens == policy.eos_token_ids[0]).cumsum(-1) == 0
    assert (scores.logprobs - sampled)[alive].abs().max() < 1e-4


def test_banned_tokens_are_the_image_tokens(policy):
    names = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    assert policy.banned_token_ids == sorted(policy.tokenizer.convert_tokens_to_ids(names))
    assert policy.tokenizer.decode(policy.eos_token_ids) == "<|im_end|>"


def test_an_image_token_in_a_completion_is_text_to_the_row(policy):
    made = tiny.group(policy, tiny.sample(), [4])
    made.rollouts[0].tokens[1] = policy.banned_token_ids[0]
    assert torch.isfinite(policy.score(policy.lay_out([made])).logprobs[0, 2:]).all()


@pytest.mark.parametrize(
    ("temperature", "count", "named"), [(0.0, 1, "temperature"), (1.0, 0, "groups")]
)
def test_wrong_arguments_of_score_are_named(policy, temperature, count, named):
    with pytest.raises(ValueError, match=named):
        policy.score(policy.lay_out(tiny.uneven_groups(policy)[:count]), temperature=temperature)


def test_saved_adapter_loads_with_peft_and_scores_the_same(policy, qwen_dir, tmp_path):
    policy.save_adapter(tmp_path / "adapter")
    groups = tiny.uneven_groups(policy)
    expected = policy.score(policy.lay_out(groups)).logprobs
    base = AutoModelForImageTextToText.from_pretrained(qwen_dir)
    loaded = PeftModel.from_pretrained(base, tmp_path / "adapter")
    assert loaded.peft_config["default"].base_model_name_or_path == qwen_dir
    prompts = [g.prompt for g in groups for _ in g.rollouts]
    completions = [r.tokens for g in groups for r in g.rollouts]
    inputs = row_inputs(base, prompts, completions, pad_token_id=0)
    logits = base(**inputs).logits[:, -13:-1]
    logits[..., policy.banned_token_ids] = -torch.inf
    targets = inputs["input_ids"][:, -12:]
    found = logits.log_softmax(-1).gather(-1, targets[..., None]).squeeze(-1)
    mask = policy.score(policy.lay_out(groups)).mask
    assert (found - expected)[mask].abs().max() < 1e-5


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Goes to the folder of models, and when called to another."""
    for name in ("models", "other"):
        (tmp_path / name).mkdir()
    tiny.save_qwen(tmp_path / "models" / "x")
    monkeypatch.chdir(tmp_path / "models")
    return lambda: monkeypatch.chdir(tmp_path / "other")


def loaded_by_the_config_alone(directory):
    """Adapter tensors of a model that PEFT put together from an adapter's folder."""
    base = PeftConfig.from_pretrained(directory).base_model_name_or_path
    model = AutoModelForImageTextToText.from_pretrained(base)
    return get_peft_model_state_dict(PeftModel.from_pretrained(model, directory))


def test_an_adapter_of_a_relative_base_loads_from_any_folder(elsewhere, tmp_path):
    policy = tiny.stirred_policy("x")
    policy.save_adapter(tmp_path / "adapter")
    elsewhere()
    loaded, own = loaded_by_the_config_alone(tmp_path / "adapter"), policy.adapter_state_dict()
    assert loaded.keys() == own.keys()
    assert all(torch.equal(tensor, own[name]) for name, tensor in loaded.items())


def test_an_adapter_that_was_trained_on_names_the_base_it_has_now(elsewhere, tmp_path):
    tiny.stirred_policy("x").save_adapter(tmp_path / "first")
    config = json.loads((tmp_path / "first" / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "a/place/that/is/gone"
    (tmp_path / "first" / "adapter_config.json").write_text(json.dumps(config))
    tiny.load_policy("x", adapter=str(tmp_path / "first")).save_adapter(tmp_path / "second")
    elsewhere()
    assert loaded_by_the_config_alone(tmp_path / "second")


@pytest.mark.parametrize("checkpointing", [False, True])
def test_saved_adapter_loads_as_a_policy(policy, qwen_dir, tmp_path, checkpointing):
    policy.save_adapter(tmp_path)
    groups = tiny.uneven_groups(policy)
    again = tiny.load_policy(
        qwen_dir, adapter=str(tmp_path), gradient_checkpointing=checkpointing
    ).train()
    scores = again.score(again.lay_out(groups))
    assert torch.equal(scores.logprobs, policy.score(policy.lay_out(groups)).logprobs)
    scores.logprobs.sum().backward()
    assert all(p.grad is not None for p in again.trainable_parameters())


def test_adapter_state_round_trip(policy, qwen_dir):
    fresh = tiny.load_policy(qwen_dir, lora=tiny.LoraSpec(r=4, alpha=8))
    fresh.load_adapter_state_dict(policy.adapter_state_dict())
    groups = tiny.uneven_groups(policy)
    assert torch.equal(
        fresh.score(fresh.lay_out(groups)).logprobs, policy.score(policy.lay_out(groups)).logprobs
    )


def test_adapter_state_of_another_rank_or_with_other_names_is_refused(policy, qwen_dir):
    other = tiny.load_policy(qwen_dir, lora=tiny.LoraSpec(r=2))
    with pytest.raises(ModelError, match="do not match"):
        other.load_adapter_state_dict(policy.adapter_state_dict())
    state = policy.adapter_state_dict()
    state.pop(next(iter(state)))
    with pytest.raises(ModelError, match="lora_A"):
        policy.load_adapter_state_dict(state)


def test_encoder_can_be_sent_to_a_worker(policy):
    shown = tiny.sample()
    encoder = pickle.loads(pickle.dumps(policy.encoder))
    assert torch.equal(encoder(shown).input_ids, policy.encode(shown).input_ids)


def test_a_bfloat16_base_keeps_a_float32_adapter(qwen_dir):
    policy = tiny.stirred_policy(qwen_dir, dtype="bfloat16").train()
    groups = tiny.uneven_groups(policy)
    scores = policy.score(policy.lay_out(groups))
    scores.logprobs.sum().backward()
    assert policy.base.dtype == torch.bfloat16
    assert {p.grad.dtype for p in policy.trainable_parameters()} == {torch.float32}
    exact = tiny.stirred_policy(qwen_dir)
    wanted = exact.score(exact.lay_out(groups)).logprobs
    assert (scores.logprobs - wanted).abs().max() < 0.2
