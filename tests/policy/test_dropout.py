import json
import warnings

import pytest
import torch
from torch import nn

from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.policy.weights.dropout import switch_off_dropout

from . import tiny


@pytest.fixture(scope="module")
def noisy_dir(tmp_path_factory):
    """A base whose config asks for dropout in attention."""
    return str(tiny.save_qwen(tmp_path_factory.mktemp("noisy"), attention_dropout=0.3))


@pytest.fixture(scope="module")
def noisy_adapter(tmp_path_factory, noisy_dir):
    """An adapter that was trained with dropout elsewhere."""
    folder = tmp_path_factory.mktemp("adapter")
    tiny.stirred_policy(noisy_dir).save_adapter(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"lora_dropout": 0.25}))
    return str(folder)


def load(base, adapter, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return load_policy(base, adapter=adapter, **options)


@pytest.mark.parametrize("rows", ["shared", "plain"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_policy_old_and_reference_passes_see_the_same_network(
    noisy_dir, noisy_adapter, rows, dtype
):
    policy = load(noisy_dir, noisy_adapter, rows=rows, dtype=dtype)
    groups = tiny.uneven_groups(policy)

    def passes():
        with torch.no_grad():
            old = policy.score(policy.lay_out(groups)).logprobs
        own = policy.score(policy.lay_out(groups)).logprobs.detach()
        return own, old, policy.score(policy.lay_out(groups), reference=True).logprobs

    own, old, reference = passes()
    assert torch.equal(own, old)
    assert not torch.equal(own, reference)
    policy.train()
    for trained, evaluated in zip(passes(), (own, old, reference), strict=True):
        assert torch.equal(trained, evaluated)


def test_the_base_and_adapter_of_the_test_would_be_noisy(noisy_dir, noisy_adapter, monkeypatch):
    monkeypatch.setattr("speciarl_pl.policy.load.switch_off_dropout", lambda model: {})
    policy = load(noisy_dir, noisy_adapter).train()
    groups = tiny.uneven_groups(policy)
    assert not torch.equal(
        policy.score(policy.lay_out(groups)).logprobs, policy.score(policy.lay_out(groups)).logprobs
    )
    first, second = (
        policy.score(policy.lay_out(groups), reference=True).logprobs for _ in range(2)
    )
    assert not torch.equal(first, second)


def test_it_is_said_once_and_what_is_saved_says_it(noisy_dir, noisy_adapter, tmp_path):
    with pytest.warns(UserWarning, match=r"its lora_dropout of 0\.25 is switched off") as said:
        policy = load_policy(noisy_dir, adapter=noisy_adapter)
    assert len(said) == 1
    assert policy.lora_config.lora_dropout == 0
    policy.save_adapter(tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["lora_dropout"] == 0


def test_without_dropout_nothing_is_said(noisy_dir):
    load_policy(noisy_dir, lora=LoraSpec(r=2))


class Layer(nn.Module):
    """Drops in every way that modules do."""

    def __init__(self):
        super().__init__()
        self.attention_dropout = 0.2
        self.drop_path_rate = 0.1
        self.dropped = "p"
        self.p = 0.5
        self.drop_last = True
        self.inner = nn.Sequential(nn.Dropout(0.3), nn.Dropout2d(0.4), nn.AlphaDropout(0.0))


def test_every_kind_of_dropout_is_found_and_nothing_else():
    layer = Layer()
    assert switch_off_dropout(layer) == {
        ".attention_dropout": 0.2,
        ".drop_path_rate": 0.1,
        "inner.0.p": 0.3,
        "inner.1.p": 0.4,
    }
    assert (layer.p, layer.dropped, layer.drop_last) == (0.5, "p", True)
    assert switch_off_dropout(layer) == {}


def test_the_configs_of_all_parts_say_it(llava_dir):
    policy = load_policy(llava_dir, lora=LoraSpec(r=2))
    config = policy.base.config
    config.vision_config.attention_dropout = config.text_config.attention_dropout = 0.1
    switch_off_dropout(policy.model)
    assert config.vision_config.attention_dropout == config.text_config.attention_dropout == 0
