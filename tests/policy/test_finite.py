import math

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from speciarl_pl.errors import ModelError
from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.policy.weights.finite import check_finite

from . import tiny

VALUES = pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
LAYER = "layers.1.mlp.up_proj.weight"


def spoil(file, value, *names):
    """Put one such value into tensors of a file."""
    tensors = load_file(file)
    for name in names:
        (full,) = (key for key in tensors if key.endswith(name))
        tensors[full].view(-1)[-1] = value
    save_file(tensors, file, {"format": "pt"})


@VALUES
@pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.float8_e5m2],
    ids=str,
)
def test_one_value_is_enough_in_every_format(dtype, value):
    good = torch.tensor([0.0, -57344.0, 57344.0]).to(dtype)
    bad = torch.tensor([1.0, value, 2.0]).to(dtype)
    check_finite([("good", good), ("empty", good[:0]), ("ids", torch.tensor([1]))], "x", "y")
    with pytest.raises(ModelError, match=r"^x: weights that are NaN or infinite: bad; do this$"):
        check_finite([("good", good), ("bad", bad)], "x", "do this")


def test_three_names_and_how_many_more():
    bad = torch.tensor(math.nan)
    with pytest.raises(ModelError, match=r"infinite: 0, 1, 2 and 4 more; y"):
        check_finite([(str(i), bad) for i in range(7)], "x", "y")


@VALUES
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_spoilt_base_is_named(tmp_path, value, dtype):
    tiny.save_qwen(tmp_path)
    spoil(tmp_path / "model.safetensors", value, LAYER)
    with pytest.raises(
        ModelError, match=rf"{tmp_path}: .* infinite: model\.language_model\.{LAYER};"
    ):
        load_policy(str(tmp_path), lora=LoraSpec(r=2), dtype=dtype)


@pytest.mark.slow
@VALUES
def test_a_spoilt_4_bit_base_is_named_too(tmp_path, value):
    tiny.save_qwen(tmp_path)
    spoil(tmp_path / "model.safetensors", value, LAYER)
    with pytest.raises(ModelError, match=rf"infinite: model\.language_model\.{LAYER}"):
        load_policy(str(tmp_path), lora=LoraSpec(r=2), quantization="nf4")


@VALUES
def test_a_spoilt_adapter_is_named(policy, qwen_dir, tmp_path, value):
    policy.save_adapter(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    names = sorted(load_file(file))[:5]
    spoil(file, value, *names)
    with pytest.raises(ModelError, match=rf"{tmp_path}: .*{names[0]}.* and 2 more; take the"):
        load_policy(qwen_dir, adapter=str(tmp_path))


@VALUES
def test_a_spoilt_checkpoint_is_refused_and_changes_nothing(policy, value):
    before = {name: tensor.clone() for name, tensor in policy.adapter_state_dict().items()}
    spoilt = {name: tensor + 1 for name, tensor in before.items()}
    last = sorted(spoilt)[-1]
    spoilt[last].view(-1)[0] = value
    with pytest.raises(ModelError, match=rf"adapter: .*infinite: {last};"):
        policy.load_adapter_state_dict(spoilt)
    after = policy.adapter_state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@VALUES
def test_a_spoilt_adapter_is_not_exported(policy, tmp_path, value):
    nn.init.constant_(policy.trainable_parameters()[-1], value)
    with pytest.raises(ModelError, match=r"adapter: .*lora_B\.weight; nothing was written"):
        policy.save_adapter(tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()
