"""Log-probabilities and adapter gradients of a policy's very weights in float64, on plain rows.

Independent of how the policy scores: transformers' model, its logits, and autograd.
"""

import copy
from contextlib import nullcontext

import torch

from speciarl_pl.policy import TokenScores
from speciarl_pl.policy.rows.inputs import row_inputs
from speciarl_pl.policy.scores import completion_lengths, length_mask


def exact_policy(policy):
    """The same weights, upcast; only the linear layers matter, norms compute in float32 anyway."""
    return copy.deepcopy(policy).double()


def exact_logprobs(policy, groups, temperature=1.0):
    """Log-probabilities float64 [R, T] by an `exact_policy`, with gradient; junk at padding."""
    prompts = [group.prompt for group in groups for _ in group.rollouts]
    completions = [rollout.tokens for group in groups for rollout in group.rollouts]
    longest = max(map(len, completions))
    inputs = row_inputs(policy.base, prompts, completions, pad_token_id=policy.pad_token_id)
    inputs["pixel_values"] = inputs["pixel_values"].double()
    logits = policy.base(**inputs, use_cache=False).logits / temperature
    logits = logits.index_fill(-1, torch.tensor(policy.banned_token_ids), -torch.inf)
    targets = inputs["input_ids"][:, -longest:, None]
    return logits[:, -longest - 1 : -1].log_softmax(-1).gather(-1, targets).squeeze(-1)


def gradient(policy):
    """The adapter's gradient in one line, float64."""
    return torch.cat([p.grad.flatten().double() for p in policy.trainable_parameters()])


def gap(found, wanted):
    """Relative distance of two vectors."""
    found, wanted = found.detach().double(), wanted.detach().double()
    return ((found - wanted).norm() / wanted.norm()).item()


class ExactPolicy:
    """As much of a policy as a slow update needs, in float64."""

    def __init__(self, policy):
        self._policy = exact_policy(policy)
        self.trainable_parameters = self._policy.trainable_parameters

    def lay_out(self, groups):
        """Groups are scored as they are."""
        return groups

    def score(self, groups, reference=False):
        """Scores [R, T] of the policy or the base; no entropies."""
        with self._policy.model.disable_adapter() if reference else nullcontext():
            logprobs = exact_logprobs(self._policy, groups)
        mask = length_mask(completion_lengths(groups), logprobs.device)
        return TokenScores(logprobs, torch.zeros_like(logprobs), mask)
