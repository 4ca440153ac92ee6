"""Proof that an engine serves the adapter of the policy: what it holds, and what it says."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from speciarl_pl.engine.engine import EngineReport
from speciarl_pl.engine.fingerprint import fingerprint, same
from speciarl_pl.engine.served import A, B
from speciarl_pl.errors import RolloutError
from speciarl_pl.policy import Policy
from speciarl_pl.records import RolloutGroup
from speciarl_pl.sampling import Sampling

_GAP_LIMITS: Final = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.15}
"""Mean gap in nats by the coarser of the two number formats; a wrong adapter is far beyond."""

_GAP_LIMIT_QUANTIZED: Final = 0.5
"""For a 4-bit policy, whose engine may hold the unrounded base."""


@dataclass(frozen=True, slots=True)
class Gap:
    """How far an engine's log-probabilities are from the trainer's, in nats."""

    mean: float
    """Mean absolute difference."""
    max: float
    """Largest absolute difference."""
    tokens: int
    """Tokens compared."""


def module_names(state: Mapping[str, Tensor]) -> list[str]:
    """The adapted modules of an adapter, under PEFT's names."""
    return [name.removesuffix(A) for name in state if name.endswith(A)]


def check_reports(
    reports: Sequence[EngineReport],
    state: Mapping[str, Tensor],
    source: str,
    number: int | None = None,
) -> None:
    """Make sure that workers hold all of an adapter, and nothing else.

    Args:
        reports: Of the workers of one replica.
        state: The adapter that was pushed, as `served_state` gives it.
        source: Name of the replica.
        number: Id under which the adapter was pushed, where it is known.

    Raises:
        RolloutError: Says what is missing, unknown or different, and the likely cause.
    """
    for report in reports:
        problem = _problem(report, state, number)
        if problem:
            raise RolloutError(f"adapter push to {source} failed its proof: {problem}")


def _problem(report: EngineReport, state: Mapping[str, Tensor], number: int | None) -> str | None:
    if number is not None and report.adapters != [number]:
        return (
            f"expected adapter {number} alone to be loaded, got {report.adapters}; "
            "an old version was not removed, or the new one not loaded"
        )
    wanted = module_names(state)
    missing = [name for name in wanted if name not in report.modules]
    if missing or report.unexpected:
        return (
            f"{len(wanted) - len(missing)} of {len(wanted)} LoRA modules were found in the engine; "
            f"missing {missing[:3]}, unexpected {report.unexpected[:3]}; "
            "names of modules differ between trainer and engine"
        )
    differing = [name for name in wanted if not _same(report, state, name)]
    if differing:
        return (
            f"the weights of {len(differing)} of {len(wanted)} LoRA modules are not those of the "
            f"policy, e.g. {differing[0]}; the engine serves an old version or lost the weights"
        )
    return None


def _same(report: EngineReport, state: Mapping[str, Tensor], name: str) -> bool:
    dtype = getattr(torch, report.dtype)
    matrices = state[name + A].to(dtype), state[name + B].to(dtype)
    return all(
        same(fingerprint(matrix), there)
        for matrix, there in zip(matrices, report.modules[name], strict=True)
    )


def excerpt(group: RolloutGroup, rollouts: int, tokens: int) -> RolloutGroup:
    """The first tokens of the first rollouts of a group."""
    short = [
        replace(rollout, tokens=rollout.tokens[:tokens], logprobs=rollout.logprobs[:tokens])
        for rollout in group.rollouts[:rollouts]
    ]
    return replace(group, rollouts=tuple(short))


@torch.no_grad()
def measure_gap(
    policy: Policy, group: RolloutGroup, sampling: Sampling, reference: bool = False
) -> Gap:
    """Compare the engine's log-probabilities of a group with the policy's.

    Args:
        policy: The policy.
        group: As drawn by the engine.
        sampling: How it was drawn. Greedy ones (temperature 0) are scored at 1, as engines do. With
            top-p below 1 an engine divides by the mass of the nucleus, which is between top-p and
            1; what lies between counts as agreement.
        reference: Compare with the base instead.
    """
    with policy.evaluating():
        scores = policy.score(
            policy.lay_out([group]),
            temperature=sampling.temperature or 1.0,
            reference=reference,
            entropy=False,
        )
    sampled = torch.cat([rollout.logprobs for rollout in group.rollouts])
    excess = sampled - scores.logprobs[scores.mask].cpu()
    distance = (excess - excess.clamp(0.0, -math.log(sampling.top_p))).abs()
    return Gap(distance.mean().item(), distance.max().item(), distance.numel())


def gap_limit(policy: Policy, engine_dtype: torch.dtype | None = None) -> float:
    """Mean gap that rounding can explain."""
    if getattr(policy.base, "is_quantized", False):
        return _GAP_LIMIT_QUANTIZED
    dtypes = {policy.compute_dtype, engine_dtype or policy.compute_dtype}
    return max(_GAP_LIMITS.get(dtype, _GAP_LIMIT_QUANTIZED) for dtype in dtypes)


def likely_cause(
    policy: Policy,
    group: RolloutGroup,
    sampling: Sampling,
    limit: float,
    previous: Mapping[str, Tensor] | None,
) -> str:
    """Why the gap of a group is beyond its limit.

    Args:
        policy: The policy.
        group: As drawn by the engine.
        sampling: How it was drawn.
        limit: A gap below it counts as agreement.
        previous: The adapter that was pushed before the present one.
    """
    if measure_gap(policy, group, sampling, reference=True).mean <= limit:
        return "the engine answers as the base does, without the adapter"
    if previous is not None:
        with _as_before(policy, previous):
            if measure_gap(policy, group, sampling).mean <= limit:
                return "the engine still answers with the version pushed before"
    unscaled = replace(sampling, temperature=1.0)
    if sampling.temperature != 0 and measure_gap(policy, group, unscaled).mean <= limit:
        return (
            "the engine reports log-probabilities before temperature; it needs "
            "logprobs_mode=processed_logprobs"
        )
    return (
        "the engine runs another base model than the trainer (weights, quantisation), or "
        "prepares images otherwise"
    )


@contextmanager
def _as_before(policy: Policy, previous: Mapping[str, Tensor]) -> Iterator[None]:
    """Put an earlier adapter into the policy for a while."""
    now = {name: tensor.clone() for name, tensor in policy.adapter_state_dict().items()}
    policy.load_adapter_state_dict(previous)
    try:
        yield
    finally:
        policy.load_adapter_state_dict(now)
