"""Log-probs and gradients on the device, in both number formats and row kinds, against float64."""

import argparse
from pathlib import Path
from typing import Any

import torch
from gpu_tools import DEVICE, build_policy, draw_groups, model_folder
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForImageTextToText

from speciarl_pl.policy import Policy
from speciarl_pl.policy.rows.inputs import row_inputs
from speciarl_pl.records import RolloutGroup


def parity(asked: argparse.Namespace) -> dict[str, Any]:
    """Log-probs and adapter gradients in both number formats and row kinds, against float64."""
    saved = model_folder(asked, "qwen2_5_vl_7b", narrow=True)
    found: dict[str, Any] = {}
    for dtype in ("float32", "bfloat16"):
        loaded = build_policy(saved, dtype)
        group = draw_groups(loaded, images=1, rollouts=6, tokens=24)[0]
        weights = torch.randn(6, 1, device=DEVICE, generator=torch.Generator(DEVICE).manual_seed(0))
        want = _exact(saved, loaded, group, weights, asked.scratch)
        for rows in ("shared", "plain"):
            loaded.rows = rows  # type: ignore[assignment]
            scores = loaded.score(loaded.lay_out([group]))
            (scores.logprobs * weights).sum().backward()
            got = scores.logprobs.detach(), _gradient(loaded)
            found[f"{dtype}_{rows}"] = {
                "logprob_mean_nats": float((got[0] - want[0]).abs().mean()),
                "logprob_max_nats": float((got[0] - want[0]).abs().max()),
                "gradient_relative": float((got[1] - want[1]).norm() / want[1].norm()),
            }
        sampled = torch.stack([rollout.logprobs for rollout in group.rollouts]).to(DEVICE)
        found[f"{dtype}_sampler_mean_nats"] = float((sampled - want[0]).abs().mean())
    return found


def _exact(
    saved: Path, loaded: Policy, group: RolloutGroup, weights: Tensor, scratch: str
) -> tuple[Tensor, Tensor]:
    """Log-probs [R, T] and adapter gradient of the very weights in float64, on plain rows."""
    adapter = Path(scratch) / "adapter"
    loaded.save_adapter(adapter)
    base = AutoModelForImageTextToText.from_pretrained(saved, dtype=torch.float64)
    exact: Any = PeftModel.from_pretrained(base, adapter, is_trainable=True).double().to(DEVICE)
    tokens = [rollout.tokens for rollout in group.rollouts]
    prompts = [group.prompt] * len(tokens)
    inputs: Any = row_inputs(
        exact.get_base_model(), prompts, tokens, pad_token_id=loaded.pad_token_id
    )
    inputs["pixel_values"] = inputs["pixel_values"].double()
    logits = exact(**inputs, use_cache=False).logits
    logits[..., loaded.banned_token_ids] = torch.finfo(torch.float64).min
    length = len(tokens[0])
    own = logits[:, -length - 1 : -1].log_softmax(-1)
    ids = torch.stack(tokens).to(DEVICE)[..., None]
    logprobs = own.gather(-1, ids).squeeze(-1)
    (logprobs * weights).sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in exact.parameters() if p.requires_grad])
    return logprobs.detach(), gradient


def _gradient(loaded: Policy) -> Tensor:
    gradients: list[Any] = [p.grad for p in loaded.trainable_parameters()]
    gradient = torch.cat([one.flatten().double() for one in gradients])
    loaded.zero_grad(set_to_none=True)
    return gradient
