import re

import pytest
import runs
import torch
from PIL import Image

from speciarl_pl.errors import ModelError
from speciarl_pl.policy import LoraSpec, check_trainable, load_policy
from speciarl_pl.policy.base_model import quiet

from . import tiny
from .exact import exact_logprobs, exact_policy


@pytest.fixture(scope="module")
def half_dir(tmp_path_factory):
    """A checkpoint that was saved in float16."""
    folder = tmp_path_factory.mktemp("half")
    tiny.save_qwen(folder)
    with quiet():
        tiny.qwen("qwen2_5_vl", tiny.special_ids(tiny.tokenizer())).half().save_pretrained(folder)
    return str(folder)


REFUSED = (
    "dtype: expected bfloat16 or float32 for training, got float16 (model.visual.patch_embed.proj."
    "weight and "
)


@pytest.mark.parametrize("dtype", ["auto", "float16"])
def test_float16_is_refused_for_training_also_where_auto_found_it(half_dir, dtype):
    policy = load_policy(half_dir, lora=LoraSpec(r=2), dtype=dtype)
    with pytest.raises(ModelError, match=re.escape(REFUSED)) as refused:
        check_trainable(policy)
    assert "`auto` takes what the checkpoint was saved in" in str(refused.value)
    assert str(refused.value).endswith("pass --model.dtype bfloat16")


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_others_are_trained_whatever_the_files_hold(half_dir, dtype):
    check_trainable(load_policy(half_dir, lora=LoraSpec(r=2), dtype=dtype))


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "fits"), [("float16", False), ("bfloat16", True)])
def test_4_bit_layers_multiply_in_the_same_format(half_dir, dtype, fits):
    policy = load_policy(half_dir, lora=LoraSpec(r=2), dtype=dtype, quantization="nf4")
    layer = policy.base.model.language_model.layers[0].mlp.up_proj.base_layer
    assert layer.compute_dtype == getattr(torch, dtype)
    for parameter in policy.base.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(torch.bfloat16)
    if fits:
        check_trainable(policy)
        return
    with pytest.raises(ModelError, match=r"got float16 \(model\.language_model\.layers\.0\."):
        check_trainable(policy)


def test_float16_scores_as_it_should(half_dir):
    """For `validate` and `predict`; to 1e-3 nats of float64."""
    policy = load_policy(half_dir, lora=LoraSpec(r=2))
    groups = tiny.uneven_groups(policy)
    scores, exact = (
        policy.score(policy.lay_out(groups)),
        exact_logprobs(exact_policy(policy), groups),
    )
    assert policy.compute_dtype == torch.float16
    assert (scores.logprobs - exact)[scores.mask].abs().max() < 1e-3


@pytest.fixture
def commands(tmp_path, monkeypatch):
    return runs.Commands(tmp_path, monkeypatch)


@pytest.mark.slow
def test_fit_refuses_it_and_validate_and_predict_do_not(commands, capsys):
    half, folder = "--model.dtype=float16", commands.folder
    assert commands("fit", "fit", half) != 0
    assert "dtype: expected bfloat16 or float32 for training" in capsys.readouterr().err
    assert not (folder / "fit" / "adapter").exists()
    assert commands("validate", "validate", half) == 0
    assert (folder / "validate" / "results.json").exists()
    Image.new("RGB", (56, 56)).save(folder / "photo.png")
    assert commands("predict", "predict", half, f"--data.images={folder / 'photo.png'}") == 0
    assert len((folder / "predict" / "predictions.jsonl").read_text().splitlines()) == 1
