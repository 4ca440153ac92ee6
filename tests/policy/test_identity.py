"""An adapter meets the base it was trained on, in the form it was trained in, or is refused."""

import json
import shutil

import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file

from speciarl_pl.errors import ModelError
from speciarl_pl.policy import LoraSpec, check_adapter, check_base, differing, identity, load_policy

from . import tiny

FOUND = {
    "base": "here",
    "fingerprint": "ab",
    "dtype": "float32",
    "quantization": None,
    "adapter": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj"], "use_rslora": False},
}


def other(**changes):
    return {**FOUND, **changes}


def other_adapter(**changes):
    return {**FOUND, "adapter": {**FOUND["adapter"], **changes}}


@pytest.fixture(scope="module")
def tuned_dir(qwen_dir, tmp_path_factory):
    """A fine-tune of the tiny base: its shapes, and weights a little off."""
    folder = tmp_path_factory.mktemp("tuned") / "base"
    shutil.copytree(qwen_dir, folder)
    file = folder / "model.safetensors"
    weights = {name: tensor + 1e-3 for name, tensor in load_file(file).items()}
    save_file(weights, file, metadata={"format": "pt"})
    return str(folder)


def fingerprint(directory, **options):
    return load_policy(directory, **options).identity["fingerprint"]


def test_a_base_is_the_same_wherever_it_lies_and_whatever_adapter_it_carries(qwen_dir, tmp_path):
    moved = shutil.copytree(qwen_dir, tmp_path / "moved")
    plain = fingerprint(qwen_dir)
    assert fingerprint(str(moved)) == plain
    assert fingerprint(qwen_dir, lora=LoraSpec(r=2, target_modules="q_proj")) == plain
    assert fingerprint(qwen_dir, rows="plain") == plain


def test_a_fine_tune_of_the_same_shape_is_another_base(qwen_dir, tuned_dir):
    assert fingerprint(qwen_dir) != fingerprint(tuned_dir)


def test_an_identity_says_all_of_it(qwen_dir):
    found = load_policy(qwen_dir, lora=LoraSpec(r=4, alpha=8), dtype="bfloat16").identity
    assert found["base"] == qwen_dir
    assert (found["dtype"], found["quantization"]) == ("bfloat16", None)
    assert (found["adapter"]["r"], found["adapter"]["lora_alpha"]) == (4, 8)
    assert json.loads(json.dumps(found)) == found
    assert identity.adapter_config(identity.lora_config(found)) == found["adapter"]


def test_a_quantised_base_says_so(qwen_dir):
    pytest.importorskip("bitsandbytes")
    found = load_policy(qwen_dir, quantization="nf4").identity
    assert found["quantization"] == "nf4"
    with pytest.raises(
        ModelError, match=r"trained on quantization nf4; .*--model.quantization nf4"
    ):
        check_base(found, load_policy(qwen_dir).identity, "x")


@pytest.mark.parametrize(
    ("needed", "message"),
    [
        (
            other(base="there", fingerprint="cd"),
            r"^x: trained on base there \(fingerprint cd\); this run has base here \(fingerprint "
            r"ab\).* Pass --model.base there$",
        ),
        (
            other(dtype="bfloat16", fingerprint="cd"),
            r"^x: trained on dtype bfloat16; this run has dtype float32, .*--model.dtype bfloat16$",
        ),
        (other(quantization="nf4"), r"Pass --model.quantization nf4$"),
    ],
    ids=["base", "dtype", "quantization"],
)
def test_another_base_is_refused_by_name(needed, message):
    with pytest.raises(ModelError, match=message):
        check_base(needed, FOUND, "x")


def test_a_base_of_another_name_and_the_same_weights_is_taken():
    check_base(other(base="there"), FOUND, "x")


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"r": 64, "lora_alpha": 256}, "Pass --model.lora.r 64 --model.lora.alpha 256"),
        ({"target_modules": ["a"]}, r"""Pass --model.lora.target_modules '\["a"\]'"""),
        ({"use_rslora": True}, "Pass --model.adapter with the adapter that its run began with"),
    ],
    ids=["numbers", "modules", "no option for it"],
)
def test_training_with_another_adapter_is_refused_with_the_options(change, advice):
    with pytest.raises(ModelError, match=advice):
        check_adapter(other_adapter(**change), FOUND, "x")
    assert differing(other_adapter(**change), FOUND) == list(change)


def test_the_form_of_an_adapter_is_taken_over(qwen_dir):
    trained = tiny.stirred_policy(qwen_dir)
    groups = tiny.uneven_groups(trained)
    fresh = load_policy(qwen_dir, lora=LoraSpec(r=2, alpha=2, target_modules="q_proj"))
    fresh.take_adapter_of(trained.identity)
    fresh.load_adapter_state_dict(trained.adapter_state_dict())
    assert fresh.identity == trained.identity
    with torch.no_grad():
        ours, theirs = (
            fresh.score(fresh.lay_out(groups)).logprobs,
            trained.score(trained.lay_out(groups)).logprobs,
        )
    assert torch.equal(ours, theirs)
    names = {name for name, tensor in fresh.named_parameters() if tensor.requires_grad}
    assert names == {name for name, tensor in trained.named_parameters() if tensor.requires_grad}


def test_patterns_and_rslora_are_taken_over(qwen_dir):
    config = LoraConfig(
        r=4, lora_alpha=8, use_rslora=True, alpha_pattern={"q_proj": 3}, target_modules=["q_proj"]
    )
    fresh = load_policy(qwen_dir)
    fresh.take_adapter_of({"adapter": identity.adapter_config(config)})
    layer = fresh.base.get_decoder().layers[0].self_attn.q_proj
    assert layer.scaling["default"] == 3 / 4**0.5


def test_an_exported_adapter_is_held_against_its_base(policy, qwen_dir, tuned_dir, tmp_path):
    policy.save_adapter(tmp_path)
    assert load_policy(qwen_dir, adapter=str(tmp_path)).identity == policy.identity
    with pytest.raises(ModelError, match=rf"speciarl_pl\.json: trained on base {qwen_dir} .*"):
        load_policy(tuned_dir, adapter=str(tmp_path))
    with pytest.warns(UserWarning, match="--model.dtype float32 is what it was trained with"):
        load_policy(qwen_dir, adapter=str(tmp_path), dtype="bfloat16")
    (tmp_path / "speciarl_pl.json").write_text("{}")
    with pytest.raises(ModelError, match=r"speciarl_pl\.json: not what speciarl_pl writes"):
        load_policy(qwen_dir, adapter=str(tmp_path))
    (tmp_path / "speciarl_pl.json").unlink()
    load_policy(tuned_dir, adapter=str(tmp_path))


def test_tensors_of_another_rank_are_refused_in_a_line(qwen_dir, policy):
    fresh = load_policy(qwen_dir, lora=LoraSpec(r=2))
    with pytest.raises(ModelError, match=r"have another shape, e.g. \S+: \(4, \d+\) in place of"):
        fresh.load_adapter_state_dict(policy.adapter_state_dict())
