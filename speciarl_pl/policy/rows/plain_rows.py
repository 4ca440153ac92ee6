"""Rollouts on plain rows: one per rollout, through the whole model.

The reference for shared-prefix rows in tests, and the way for every other VLM.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.policy.rows.inputs import accepted, joinable, row_inputs
from speciarl_pl.policy.rows.logprob import scaled_logits, scores_of_logits
from speciarl_pl.policy.scores import FlatScores, length_mask
from speciarl_pl.records import EncodedPrompt, RolloutGroup


@dataclass(frozen=True, slots=True)
class PlainRows:
    """A micro-batch with a row for every completion.

    What goes through the model is made in every pass: it holds an image once for each rollout.
    """

    rows: list[tuple[EncodedPrompt, Tensor]]
    """Prompt and completion, int64 [T], of each of the R rollouts."""
    parts: list[list[int]]
    """Places of the rows that go through the model together: those whose images can be joined."""
    pad_token_id: int
    """Fills the rows."""

    @property
    def lengths(self) -> list[int]:
        """Tokens of every completion, in order."""
        return [tokens.numel() for _, tokens in self.rows]

    def score(self, model: Any, *, temperature: float, banned: Tensor, entropy: bool) -> FlatScores:
        """Score all completions; as `Policy.score`, with the ids [K] that are never drawn."""
        found: dict[int, tuple[Tensor, Tensor]] = {}
        for places in self.parts:
            part = [self.rows[place] for place in places]
            scores = self._score(model, part, temperature, banned, entropy)
            lengths = [tokens.numel() for _, tokens in part]
            each = (torch.split(values, lengths) for values in (scores.logprobs, scores.entropy))
            found.update(zip(places, zip(*each, strict=True), strict=True))
        logprobs, entropies = zip(*(found[place] for place in range(len(self.rows))), strict=True)
        return FlatScores(torch.cat(logprobs), torch.cat(entropies))

    def _score(
        self,
        model: Any,
        rows: Sequence[tuple[EncodedPrompt, Tensor]],
        temperature: float,
        banned: Tensor,
        entropy: bool,
    ) -> FlatScores:
        """Score rows that go through the model together."""
        prompts, completions = zip(*rows, strict=True)
        inputs = row_inputs(model, prompts, completions, pad_token_id=self.pad_token_id)
        lengths = [tokens.numel() for tokens in completions]
        longest = max(lengths)
        logits = completion_logits(model, inputs, longest)
        mask = length_mask(lengths, logits.device)
        targets = inputs["input_ids"][:, -longest:][mask]
        scaled = scaled_logits(logits[mask], temperature, banned)
        return scores_of_logits(scaled, targets, entropy=entropy)


def plain_rows(groups: Sequence[RolloutGroup], *, pad_token_id: int) -> PlainRows:
    """Lay groups out with a row for every completion."""
    rows = [(group.prompt, rollout.tokens) for group in groups for rollout in group.rollouts]
    return PlainRows(rows, joinable([prompt for prompt, _ in rows]), pad_token_id)


def completion_logits(model: Any, inputs: Mapping[str, Tensor], length: int) -> Tensor:
    """Logits [R, length, V] that predict the last `length` tokens of every row."""
    keep = accepted(model, {"logits_to_keep": torch.tensor(length + 1)})
    extra = {name: length + 1 for name in keep}
    output = model(**inputs, use_cache=False, **extra)
    logits: Tensor = output.logits[:, -length - 1 : -1]
    return logits
