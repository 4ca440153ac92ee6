"""Sampling in which every row of a batch has a seed of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor


class SeededSampler(LogitsProcessor):
    """Chooses each row's next token by inverting its distribution at a number of the row's own.

    `generate` draws the tokens of a batch from one generator, so a completion would depend on what
    it is batched with. This processor chooses instead, and leaves `generate` no choice. It also
    keeps the log-probabilities of the chosen tokens, under temperature and ban, before top-p.

    Args:
        seeds: One per row, R in all.
        max_new_tokens: Numbers drawn per row.
        temperature: Divides the logits; 0 is greedy.
        top_p: Tokens outside the smallest set with this probability are never chosen.
        banned_token_ids: Tokens that are never chosen.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        max_new_tokens: int,
        temperature: float,
        top_p: float,
        banned_token_ids: Sequence[int],
    ) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._banned = list(banned_token_ids)
        self._numbers = torch.stack([_uniform(seed, max_new_tokens) for seed in seeds], dim=1)
        self._logprobs: list[Tensor] = []

    @property
    def logprobs(self) -> Tensor:
        """float32 [R, steps so far]: log-probability of each chosen token."""
        return torch.stack(self._logprobs, dim=1)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Leave only the chosen token of each row.

        Args:
            input_ids: int64 [R, L], what there is so far; not read.
            scores: float32 [R, vocabulary], logits.

        Returns:
            float32 [R, vocabulary]: 0 at the chosen token, -inf elsewhere.
        """
        scores[:, self._banned] = -torch.inf
        logprobs = (scores / (self._temperature or 1.0)).log_softmax(dim=-1)
        chosen = self._greedy(logprobs) if self._temperature == 0 else self._draw(logprobs)
        self._logprobs.append(logprobs.gather(1, chosen)[:, 0])
        return torch.full_like(scores, -torch.inf).scatter_(1, chosen, 0.0)

    def _greedy(self, logprobs: Tensor) -> Tensor:
        return logprobs.argmax(dim=-1, keepdim=True)

    def _draw(self, logprobs: Tensor) -> Tensor:
        """Chosen token of each row, int64 [R, 1]."""
        number = self._numbers[len(self._logprobs)].to(logprobs.device)[:, None]
        probabilities = logprobs.exp()
        if self._top_p == 1:
            return _invert(probabilities, number)
        probabilities, tokens = probabilities.sort(dim=-1, descending=True)
        before = probabilities.cumsum(dim=-1, dtype=torch.float64) - probabilities
        nucleus = torch.where(before < self._top_p, probabilities, 0)
        return tokens.gather(1, _invert(nucleus, number))


def _invert(weights: Tensor, number: Tensor) -> Tensor:
    """Place at which the cumulative weights pass `number` (in [0, 1)) of their total.

    Args:
        weights: float32 [R, V], not negative, not all zero.
        number: float64 [R, 1].

    Returns:
        int64 [R, 1], always a place of positive weight.
    """
    cumulative = weights.cumsum(dim=-1, dtype=torch.float64)
    total = cumulative[:, -1:]
    below = torch.nextafter(total, torch.zeros_like(total))  # a product may round up to the total
    return torch.searchsorted(cumulative, torch.minimum(number * total, below), right=True)


def _uniform(seed: int, count: int) -> Tensor:
    """float64 [count] in [0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, generator=generator, dtype=torch.float64)
