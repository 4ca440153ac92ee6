"""One update of the policy from the scored groups of a step: plan, forward, backward, step."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, parameters_to_vector
from torch.optim import Optimizer

from speciarl_pl.grpo import (
    GRPOLoss,
    Normalizer,
    groups_to_learn_from,
    micro_batches,
    mini_batches,
    normalizer,
    token_batch,
)
from speciarl_pl.policy import Policy, TokenScores
from speciarl_pl.records import ScoredGroup
from speciarl_pl.step.ranks import Ranks

_MEANS: Final = {
    "clipped": "tokens",
    "ratio": "tokens",
    "importance_weight": "tokens",
    "entropy": "tokens",
    "kl": "kl_tokens",
    "grad_norm": "steps",
}
"""What is logged as a mean, and the count that it is a mean over."""


@dataclass(slots=True)
class _MicroBatch:
    """Groups that go through the policy together."""

    groups: list[ScoredGroup]
    score: Callable[..., TokenScores]
    """Of its rows, laid out once, at the sampler's temperature; takes options of `Policy.score`."""
    old_logprobs: Tensor | None = None


@dataclass(slots=True)
class _MiniBatch:
    """What one optimiser step learns from."""

    normalizer: Normalizer
    micro_batches: list[_MicroBatch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PolicyUpdate:
    """Takes `mini_batches` optimiser steps on the groups of one step.

    Gradients of all micro-batches are added up and then summed over the ranks once, so ranks may
    have different numbers of micro-batches (groups without signal are dropped before any forward
    pass).
    """

    policy: Policy
    """The policy to update."""
    loss: GRPOLoss
    """The surrogate."""
    mini_batches: int = 1
    """Optimiser steps per batch of rollouts."""
    micro_batch_groups: int = 16
    """Groups that go through the policy at once; bounds the memory."""
    keep_groups_without_signal: bool = False
    """Also run groups whose rewards are all equal, for their KL term."""
    max_grad_norm: float | None = 1.0
    """Gradients are clipped to this norm; None: not at all."""

    def __call__(
        self,
        scored: Sequence[ScoredGroup],
        optimizer: Optimizer,
        ranks: Ranks,
        temperature: float = 1.0,
    ) -> dict[str, float]:
        """Update the policy.

        Args:
            scored: The scored groups of this rank; may be empty.
            optimizer: Over the policy's trainable parameters.
            ranks: How to reach the other ranks.
            temperature: Of the sampler; log-probabilities are taken under it.

        Returns:
            Means over the learned tokens of all ranks and mini-batches: `clip_share`, `ratio`,
            `importance_weight`, `entropy` (nats), `kl` (nats); `grad_norm`, before clipping, the
            mean over optimiser steps; and `skipped_updates`, the steps that were not taken since
            their gradient is not finite. What nothing was computed for is absent.
        """
        totals: Counter[str] = Counter()
        for index, mini_batch in enumerate(self._plan(scored, ranks, temperature)):
            with ranks.apart(index == 0):  # before the first optimiser step nothing is half-done
                sums = self._gradients(mini_batch, ranks)
            totals.update(self._step(mini_batch, sums, optimizer, ranks))
        return _means(totals, ranks, self.policy.device)

    def _plan(
        self, scored: Sequence[ScoredGroup], ranks: Ranks, temperature: float
    ) -> list[_MiniBatch]:
        """Cut the step up, and take old log-probs where the policy will have moved by then."""
        keep = self.keep_groups_without_signal and self.loss.kl_coefficient > 0
        plan = []
        for index, part in enumerate(mini_batches(scored, self.mini_batches)):
            learn = groups_to_learn_from(part, keep)
            cut = micro_batches(learn, self.micro_batch_groups)
            micros = [self._micro_batch(groups, temperature) for groups in cut]
            if index > 0:
                with torch.no_grad():
                    for micro in micros:
                        micro.old_logprobs = micro.score(entropy=False).logprobs
            plan.append(_MiniBatch(self._over_ranks(normalizer(part), ranks), micros))
        return plan

    def _over_ranks(self, local: Normalizer, ranks: Ranks) -> Normalizer:
        device = self.policy.device
        counts = torch.tensor([local.sequences, local.tokens], dtype=torch.float64, device=device)
        sequences, tokens = ranks.sum(counts).tolist()
        return Normalizer(sequences, tokens)

    def _micro_batch(self, groups: list[ScoredGroup], temperature: float) -> _MicroBatch:
        rows = self.policy.lay_out([scored.group for scored in groups])
        return _MicroBatch(groups, partial(self.policy.score, rows, temperature=temperature))

    def _gradients(self, mini_batch: _MiniBatch, ranks: Ranks) -> Counter[str]:
        """Forward and backward passes of this rank."""
        sums: Counter[str] = Counter()
        for micro in mini_batch.micro_batches:
            with ranks.no_sync():
                sums.update(self._backward(micro, mini_batch.normalizer, ranks))
        return sums

    def _step(
        self, mini_batch: _MiniBatch, sums: Counter[str], optimizer: Optimizer, ranks: Ranks
    ) -> dict[str, float]:
        """One optimiser step.

        None if no rank has anything to learn from, or if the gradient is not finite: one infinity
        would make every weight of the adapter NaN, and the moments of the optimiser too.
        """
        parameters = self.policy.trainable_parameters()
        learners = torch.tensor(float(len(mini_batch.micro_batches)), device=self.policy.device)
        if ranks.sum(learners).item() == 0:
            return dict(sums)
        _sum_gradients(parameters, ranks)
        limit = self.max_grad_norm if self.max_grad_norm is not None else float("inf")
        norm = clip_grad_norm_(parameters, limit).item()
        if math.isfinite(norm):
            optimizer.step()
        optimizer.zero_grad()
        if not math.isfinite(norm):  # of the summed gradients, so all ranks find the same
            return {"skipped": 1}
        return {**sums, "grad_norm": norm, "steps": 1}

    def _backward(self, micro: _MicroBatch, size: Normalizer, ranks: Ranks) -> dict[str, float]:
        """Forward and backward pass of one micro-batch."""
        reference = None
        if self.loss.kl_coefficient > 0:
            reference = micro.score(reference=True, entropy=False).logprobs
        scores = micro.score()
        batch = token_batch(
            micro.groups, scores.logprobs, scores.mask, micro.old_logprobs, reference
        )
        loss, sums = self.loss(batch, size)
        ranks.backward(loss)
        sums["entropy"] = torch.where(batch.mask, scores.entropy, 0.0).sum()
        if "kl" in sums:
            sums["kl_tokens"] = sums["tokens"]
        return {name: value.item() for name, value in sums.items()}


def _sum_gradients(parameters: Sequence[torch.nn.Parameter], ranks: Ranks) -> None:
    """Replace every gradient by its sum over the ranks, in one exchange."""
    if ranks.count == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:  # this rank had nothing to learn from
            parameter.grad = torch.zeros_like(parameter)
    flat = parameters_to_vector([p.grad for p in parameters if p.grad is not None])
    start = 0
    summed = ranks.sum(flat)
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.grad = summed[start:end].view_as(parameter)
        start = end


def _means(totals: Counter[str], ranks: Ranks, device: torch.device) -> dict[str, float]:
    """Turn sums over tokens and steps into means over all ranks; no mean of nothing."""
    names = sorted({*_MEANS.values(), *_MEANS, "skipped"})
    local = torch.tensor([totals[name] for name in names], dtype=torch.float64, device=device)
    summed = dict(zip(names, ranks.sum(local).tolist(), strict=True))
    means = {name: summed[name] / summed[per] for name, per in _MEANS.items() if summed[per]}
    if "clipped" in means:
        means["clip_share"] = means.pop("clipped")
    if summed["steps"] or summed["skipped"]:
        means["skipped_updates"] = summed["skipped"] / ranks.count  # each rank counted all
    return means
