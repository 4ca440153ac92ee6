"""The policy's adapter in the form in which engines serve it: scales multiplied in, one rank.

PEFT gives every module a scale of its own: alpha / r, or alpha / sqrt(r) with rsLoRA, with alpha
and r by module where the config has patterns. Here each B is multiplied by the scale of its module,
in float32 before it is rounded to the engine's type, and the config says scale 1. So an engine need
not know any of these rules, and the proof of a push compares exactly what was written.
"""

from collections.abc import Mapping
from copy import copy
from typing import Final

from peft import LoraConfig
from torch import Tensor

from speciarl_pl.policy import Policy

A: Final = ".lora_A.weight"
B: Final = ".lora_B.weight"
"""How the names of an adapter's matrices end."""

_UNSERVED: Final = {
    "use_dora": "DoRA",
    "lora_bias": "LoRA with biases",
    "modules_to_save": "modules that are trained whole",
    "trainable_token_indices": "trained tokens",
    "alora_invocation_tokens": "activated LoRA",
    "layer_replication": "replicated layers",
    "use_bdlora": "block-diagonal LoRA",
    "use_qalora": "QALoRA",
}
"""Options of a `LoraConfig` that vLLM 0.32 does not serve, and what they are."""

_CHANGE_THE_BASE: Final = ("pissa", "olora", "corda", "loftq")
"""Beginnings of `init_lora_weights` with which PEFT changes the base while it loads the adapter."""


def check_servable(policy: Policy) -> None:
    """Make sure that engines can serve the policy's adapter, before one is started.

    Raises:
        ValueError: Names what they can not serve.
    """
    config = policy.lora_config
    found = [kind for option, kind in _UNSERVED.items() if getattr(config, option, None)]
    if config.bias != "none":
        found.append(f"biases (bias={config.bias!r})")
    if str(config.init_lora_weights).lower().startswith(_CHANGE_THE_BASE):
        found.append(f"a base changed by init_lora_weights={config.init_lora_weights!r}")
    strange = [name for name in policy.adapter_state_dict() if not name.endswith((A, B))]
    if found or strange:
        what = ", ".join(found) or f"tensors such as {strange[0]}"
        raise ValueError(
            f"model.adapter: expected plain LoRA for rollouts from vLLM, got {what}; convert the "
            "adapter to plain LoRA, or draw with rollout: HFRolloutCallback"
        )


def adapter_rank(policy: Policy) -> int:
    """Largest rank of any module."""
    return max(t.shape[0] for name, t in policy.adapter_state_dict().items() if name.endswith(A))


def served_state(policy: Policy) -> dict[str, Tensor]:
    """The adapter as an engine is to hold it.

    Returns:
        By PEFT's names, copies on the CPU in the type of the policy's base, each B multiplied by
        the scale of its module.
    """
    scales = policy.adapter_scales()
    state = {}
    for name, tensor in policy.adapter_state_dict().items():
        scaled = tensor.detach().float() * scales.get(name.removesuffix(B), 1.0)
        state[name] = scaled.to("cpu", policy.compute_dtype, copy=True).contiguous()
    return state


def unscaled(policy: Policy, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `served_state` was made of, up to rounding."""
    scales = policy.adapter_scales()
    return {n: t.float() / scales.get(n.removesuffix(B), 1.0) for n, t in state.items()}


def served_config(policy: Policy) -> LoraConfig:
    """The adapter's config for what `served_state` gives: scale 1, the largest rank for all."""
    config = copy(policy.lora_config)
    config.r = config.lora_alpha = adapter_rank(policy)
    config.use_rslora = False
    config.rank_pattern, config.alpha_pattern = {}, {}
    return config
