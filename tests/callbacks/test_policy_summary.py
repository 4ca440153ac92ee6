from types import SimpleNamespace

import factory
import pytest
import runs

from speciarl_pl.callbacks import PolicySummary
from speciarl_pl.callbacks.policy_summary import policy_line


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_counts_the_policy_and_its_adapter(dtype):
    policy = runs.world_policy(dtype=dtype)
    trained = sum(one.numel() for one in policy.trainable_parameters())
    total = sum(one.numel() for one in policy.model.parameters())
    assert policy_line(policy) == (
        f"Policy: {total / 1e6:.1f} M parameters, {trained / 1e3:.1f} K of them trained (the "
        f"adapter); computes in {dtype}"
    )


@pytest.mark.parametrize(
    ("hook", "fn", "taxonomies", "base", "said"),
    [
        ("on_fit_start", "fit", ("world", None), "world", "what it says of 'set 1' is a guess"),
        ("on_predict_start", "predict", (None,), "world", "what it says of 'set 0' is a guess"),
        ("on_validation_start", "validate", ("cub",), "world", "'set 0' is a guess"),
        ("on_validation_start", "fit", ("cub",), "world", ""),
        ("on_fit_start", "fit", ("world",), "world", ""),
        ("on_fit_start", "fit", (None,), "Qwen/Qwen2.5-VL-3B-Instruct", ""),
    ],
)
def test_the_built_in_base_was_never_shown_photos(
    module, capsys, monkeypatch, hook, fn, taxonomies, base, said
):
    sets = [
        SimpleNamespace(name=f"set {place}", taxonomy=one) for place, one in enumerate(taxonomies)
    ]
    monkeypatch.setattr(module.loaded_policy, "base_name", base)
    trainer = SimpleNamespace(
        is_global_zero=True,
        state=SimpleNamespace(fn=fn),
        datamodule=factory.data_module(listing=lambda role: sets),
    )
    getattr(PolicySummary(), hook)(trainer, module)
    found = capsys.readouterr().err
    assert ("warning: the built-in base" in found) == bool(said)
    assert said in found
