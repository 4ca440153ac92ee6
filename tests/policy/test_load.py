from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from speciarl_pl.errors import ModelError
from speciarl_pl.policy import LoraSpec, load, load_policy
from speciarl_pl.policy.base_model import resolve
from speciarl_pl.policy.rows.split_attention import IMPLEMENTATION

from . import tiny

LINEARS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_qwen_families_use_shared_rows_and_adapt_the_language_model_only(qwen_dirs, family):
    policy = load_policy(qwen_dirs[family], lora=LoraSpec(r=4))
    assert policy.rows == "shared"
    assert not policy.training
    assert policy.base.model.language_model.config._attn_implementation == IMPLEMENTATION
    assert policy.base.model.visual.config._attn_implementation == "sdpa"
    adapted = {
        name.split(".lora_A")[0].removeprefix("model.base_model.model.")
        for name, _ in policy.named_parameters()
        if "lora_A" in name
    }
    layers = range(tiny.TEXT["num_hidden_layers"])
    parts = {
        name: "mlp" if name in ("gate_proj", "up_proj", "down_proj") else "self_attn"
        for name in LINEARS
    }
    expected = {f"model.language_model.layers.{i}.{parts[n]}.{n}" for i in layers for n in LINEARS}
    assert adapted == expected


def test_llava_scores_on_plain_rows_where_they_are_asked_for(llava_dir):
    policy = tiny.stirred_policy(llava_dir, rows="plain").train()
    assert policy.rows == "plain"
    assert policy.base.get_decoder().config._attn_implementation == "sdpa"
    groups = [
        tiny.group(policy, tiny.sample(56, 56), [4, 2]),
        tiny.group(policy, tiny.sample(80, 60, "Longer, is it not?"), [3, 6]),
    ]
    scores = policy.score(policy.lay_out(groups))
    scores.logprobs.sum().backward()
    adapted = {name for name, p in policy.named_parameters() if p.grad is not None}
    assert adapted
    assert all("language_model" in name for name in adapted)
    alone = policy.score(policy.lay_out(groups[:1])).logprobs
    assert (alone - scores.logprobs[:2, :4]).abs().max() < 1e-5


def test_llava_prompt_has_one_placeholder_per_image_feature(llava_dir):
    policy = load_policy(llava_dir, lora=LoraSpec(r=2))
    assert int(policy.encode(tiny.sample(60, 90)).mm_token_type_ids.sum()) == 16


def test_sliding_windows_fall_back_to_plain_rows(tmp_path):
    window = {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}
    path = str(tiny.save_qwen(tmp_path, **window))
    assert load_policy(path, lora=LoraSpec(r=2)).rows == "plain"
    with pytest.raises(ValueError, match="sliding window"):
        load_policy(path, rows="shared")


def test_pixel_limits_reach_the_image_processor(qwen_dir):
    policy = load_policy(qwen_dir, lora=LoraSpec(r=2), min_pixels=28 * 28, max_pixels=56 * 56)
    prompt = policy.encode(tiny.sample(112, 112))
    assert prompt.vision["image_grid_thw"].tolist() == [[1, 4, 4]]


def test_target_modules_by_name(qwen_dir):
    policy = load_policy(qwen_dir, lora=LoraSpec(r=2, target_modules=("q_proj", "gate_proj")))
    adapted = [name for name, p in policy.named_parameters() if p.requires_grad]
    assert len(adapted) == 2 * 2 * tiny.TEXT["num_hidden_layers"]
    assert all("language_model" in name for name in adapted)
    with pytest.raises(ValueError, match=r"target_modules: .*got \['qkv'\]"):
        load_policy(qwen_dir, lora=LoraSpec(target_modules="qkv"))


def test_a_folder_without_an_adapter_is_refused(qwen_dir, tmp_path):
    with pytest.raises(ModelError, match=f"{tmp_path}: no adapter_config.json"):
        load_policy(qwen_dir, adapter=str(tmp_path))


def test_an_adapter_of_another_model_is_refused(qwen_dir, tmp_path):
    tiny.save_qwen(
        tmp_path / "wide",
        hidden_size=128,
        rope_parameters=tiny.MROPE | {"mrope_section": [4, 6, 6]},
    )
    load_policy(str(tmp_path / "wide"), lora=LoraSpec(r=2)).save_adapter(tmp_path / "adapter")
    with pytest.raises(ModelError, match="does not fit the base model"):
        load_policy(qwen_dir, adapter=str(tmp_path / "adapter"))


def renamed(name: str) -> str:
    return name.replace("language_model", "text_model")


def dropped(name: str) -> str | None:
    return None if "layers.1" in name else name


@pytest.mark.parametrize("change", [renamed, dropped])
def test_an_adapter_that_peft_would_load_in_part_is_refused(qwen_dir, tmp_path, change):
    load_policy(qwen_dir, lora=LoraSpec(r=2)).save_adapter(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    tensors = {change(name): tensor for name, tensor in load_file(file).items()}
    save_file({name: tensor for name, tensor in tensors.items() if name}, file)
    with pytest.raises(ModelError, match=f"{tmp_path}: does not fit the base model"):
        load_policy(qwen_dir, adapter=str(tmp_path))


def test_an_adapter_on_the_vision_tower_is_refused(qwen_dir, tmp_path):
    base = AutoModelForImageTextToText.from_pretrained(qwen_dir)
    config = LoraConfig(r=2, target_modules=["qkv", "q_proj"])
    get_peft_model(base, config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"language model .* only, got .*visual"):
        load_policy(qwen_dir, adapter=str(tmp_path))


def test_an_unreadable_adapter_config_is_refused(qwen_dir, tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match=f"{tmp_path}: "):
        load_policy(qwen_dir, adapter=str(tmp_path))


def test_checkpointing_works_on_plain_rows(llava_dir):
    gradients = []
    for checkpointing in (False, True):
        policy = tiny.stirred_policy(llava_dir, gradient_checkpointing=checkpointing).train()
        policy.score(
            policy.lay_out([tiny.group(policy, tiny.sample(), [4, 2])])
        ).logprobs.sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in policy.trainable_parameters()]))
    assert torch.allclose(*gradients, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "named"),
    [({"r": 0}, "r:"), ({"dropout": 0.1}, "dropout: expected 0, got 0.1; ratio")],
)
def test_wrong_lora_numbers_are_named(options, named):
    with pytest.raises(ValueError, match=named):
        LoraSpec(**options)


def test_nothing_is_printed_while_loading(qwen_dir, capfd):
    load_policy(qwen_dir, lora=LoraSpec(r=2))
    assert capfd.readouterr() == ("", "")


def test_the_built_in_world_loads_by_name():
    if not Path(resolve("world"), "model.safetensors").exists():
        pytest.skip("the world has no base yet")
    policy = load_policy("world", lora=LoraSpec(r=2))
    assert policy.rows == "shared"
    assert policy.score(
        policy.lay_out([tiny.group(policy, tiny.sample(), [3])])
    ).logprobs.shape == (1, 3)


def test_under_another_default_device_as_lightning_sets_it(monkeypatch):
    """Lightning configures a model with the GPU as default device; `meta` stands for one here.

    Weights alone follow it. Shared rows were lost so on every GPU, with a line in the log.
    """
    asked = []
    complete = load.load_base

    def on_the_cpu(*arguments):
        asked.append(torch.get_default_device().type)
        with torch.device("cpu"):
            return complete(*arguments)

    monkeypatch.setattr(load, "load_base", on_the_cpu)
    torch.manual_seed(0)
    with torch.device("meta"):
        policy = load.load_policy("world", lora=LoraSpec(r=4))
    assert asked == ["meta"]
    assert policy.rows == "shared"
    assert {p.device.type for p in policy.parameters()} == {"cpu"}
    torch.manual_seed(0)
    usual = load.load_policy("world", lora=LoraSpec(r=4))
    found, wanted = policy.adapter_state_dict(), usual.adapter_state_dict()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
