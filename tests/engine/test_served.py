import json

import pytest
import torch
from peft.tuners.lora import LoraLayer
from vllm_tools import callback_of, module_of

from speciarl_pl.engine import vllm_engine
from speciarl_pl.engine.adapter_store import AdapterStore
from speciarl_pl.engine.arguments import check_rank, engine_arguments
from speciarl_pl.engine.proof import module_names
from speciarl_pl.engine.served import check_servable, served_config, served_state, unscaled

from .adapters import LINEARS, RULES, policy_of


@pytest.mark.parametrize("rule", RULES)
def test_what_is_served_changes_each_weight_as_peft_does(tmp_path, rule):
    policy = policy_of(tmp_path, **RULES[rule])
    state = served_state(policy)
    layers = {n: one for n, one in policy.model.named_modules() if isinstance(one, LoraLayer)}
    assert set(module_names(state)) == layers.keys()
    for name, layer in layers.items():
        served = state[f"{name}.lora_B.weight"].double() @ state[f"{name}.lora_A.weight"].double()
        delta = layer.get_delta_weight("default").double()
        assert (served - delta).norm() < 1e-6 * delta.norm(), name


def test_rules_give_modules_different_scales(tmp_path):
    policy = policy_of(tmp_path, **RULES["rsLoRA with patterns"])
    assert {round(scale, 3) for scale in policy.adapter_scales().values()} == {
        4.0,  # 8 / sqrt 4
        5.657,  # 8 / sqrt 2
        1.5,  # 3 / sqrt 4
        10.0,  # 20 / sqrt 4
        2.309,  # 8 / sqrt 12
    }


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_scales_are_multiplied_in_before_rounding(tmp_path, rule, dtype):
    """Against float64, within the rounding of one number."""
    policy = policy_of(tmp_path, dtype, **RULES[rule])
    kind = getattr(torch, dtype)
    state, scales = served_state(policy), policy.adapter_scales()
    for name, tensor in policy.adapter_state_dict().items():
        module, _, matrix = name.rpartition(".lora_")
        exact = tensor.double() * (scales[module] if matrix.startswith("B") else 1)
        assert state[name].dtype == kind
        assert ((state[name].double() - exact).abs() <= torch.finfo(kind).eps * exact.abs()).all()
        if rule == "alpha / r, a power of two":
            factor = 2 if matrix.startswith("B") else 1
            assert torch.equal(state[name], tensor.to(kind) * factor), "as an engine would itself"


def test_an_earlier_state_comes_back_without_scales(tmp_path):
    policy = policy_of(tmp_path, **RULES["rsLoRA with patterns"])
    back = unscaled(policy, served_state(policy))
    for name, tensor in policy.adapter_state_dict().items():
        torch.testing.assert_close(back[name], tensor.detach())


def test_the_written_config_says_scale_one_and_the_largest_rank(tmp_path):
    policy = policy_of(tmp_path / "adapter", **RULES["rsLoRA with patterns"])
    store = AdapterStore(tmp_path)
    version = store.write(served_state(policy), served_config(policy))
    written = json.loads((version.path / "adapter_config.json").read_text())
    assert written["r"] == written["lora_alpha"] == 12
    assert not any(written[name] for name in ("use_rslora", "rank_pattern", "alpha_pattern"))
    assert policy.lora_config.r == 4, "the policy's own config stays"
    assert policy.lora_config.use_rslora


def test_engines_have_room_for_the_largest_rank_of_a_pattern(tmp_path):
    policy = policy_of(tmp_path, **RULES["patterns"])
    assert engine_arguments(policy, None, None, 0, 1)["max_lora_rank"] == 16
    with pytest.raises(ValueError, match=r"max_lora_rank: expected at least .*r=12, got 8"):
        check_rank(policy, {"max_lora_rank": 8})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights='pissa'"),
        ({"modules_to_save": ["norm"]}, "modules that are trained whole"),
        ({"bias": "lora_only"}, "biases"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_vllm_can_not_serve_is_refused_before_it_starts(tmp_path, options, named, monkeypatch):
    policy = policy_of(tmp_path, target_modules=LINEARS[:1], **options)
    callback = callback_of()
    monkeypatch.setattr(vllm_engine, "_start", lambda arguments: pytest.fail("it was started"))
    with pytest.raises(ValueError, match=rf"^model.adapter: expected plain LoRA .*got .*{named}"):
        callback.prepare(module_of(policy))


def test_a_tensor_that_is_no_matrix_of_lora_is_refused(policy, monkeypatch):
    state = {**policy.adapter_state_dict(), "x.q_proj.lora_C.weight": torch.ones(1)}
    monkeypatch.setattr(type(policy), "adapter_state_dict", lambda self: state)
    with pytest.raises(ValueError, match=r"got tensors such as x\.q_proj\.lora_C\.weight"):
        check_servable(policy)
