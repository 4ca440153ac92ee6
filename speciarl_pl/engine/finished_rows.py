"""Telling of completions that end while `generate` goes on with others."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import StoppingCriteria

from speciarl_pl.policy import Policy
from speciarl_pl.sampling import Finished, RolloutRequest


class FinishedRows(StoppingCriteria):
    """Stops nothing, but looks after every token which rows have ended their turn.

    Rows that end by a stop text or are cut are not told of; they are judged with the batch.

    Args:
        policy: Decodes, and says which tokens end a turn.
        requests: What is drawn; a row a seed.
        finished: Told of each row that ends.
    """

    def __init__(
        self, policy: Policy, requests: Sequence[RolloutRequest], finished: Finished
    ) -> None:
        self._policy = policy
        self._finished = finished
        self._samples = [request.sample for request in requests for _ in request.seeds]
        self._open = torch.ones(len(self._samples), dtype=torch.bool)
        self._prompt_length: int | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: object) -> Tensor:
        """Look at the last token of each row.

        Args:
            input_ids: int64 [R, L], prompts and what was drawn.
            scores: Not read.

        Returns:
            bool [R], all false.
        """
        if self._prompt_length is None:  # the first look comes after the first token
            self._prompt_length = input_ids.shape[1] - 1
        last = input_ids[:, -1].cpu()
        ended = torch.isin(last, torch.tensor(self._policy.eos_token_ids)) & self._open
        for row in ended.nonzero()[:, 0].tolist():
            text = self._policy.decode(input_ids[row, self._prompt_length :].cpu())
            self._finished(self._samples[row], text)
        self._open &= ~ended
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
