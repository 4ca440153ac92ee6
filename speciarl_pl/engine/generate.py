"""Rollouts from transformers' `generate`, with the policy's own weights."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, StoppingCriteria

from speciarl_pl.engine.engine import Engine
from speciarl_pl.errors import RolloutError
from speciarl_pl.policy import Policy
from speciarl_pl.policy.rows.inputs import joinable, row_inputs
from speciarl_pl.records import Rollout, RolloutGroup
from speciarl_pl.sampling import Finished, RolloutRequest, Sampling

# Sampling in which every row of a batch has a seed of its own.


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


class TransformersEngine(Engine):
    """Draws by batched `generate`, with the policy itself.

    Args:
        max_rows: Completions drawn at once; bounds the memory of the key-value cache.
    """

    def __init__(self, max_rows: int = 256) -> None:
        if max_rows < 1:
            raise ValueError(f"max_rows: expected an int >= 1, got {max_rows}")
        self.max_rows = max_rows

    def draw(
        self,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        finished: Finished | None = None,
    ) -> list[RolloutGroup]:
        """Draw one group per request, in their order."""
        policy = self.policy
        groups: dict[int, RolloutGroup] = {}
        with policy.evaluating():
            for places in _parts(requests, self.max_rows):
                part = [requests[place] for place in places]
                groups.update(zip(places, _generate(policy, part, sampling, finished), strict=True))
        return [groups[place] for place in range(len(requests))]


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


def _parts(requests: Sequence[RolloutRequest], max_rows: int) -> Iterator[Sequence[int]]:
    """Places of requests that are drawn together.

    Their images can be joined, and they have at most `max_rows` rollouts, or are a single request.
    """
    size = max(1, max_rows // len(requests[0].seeds))
    for places in joinable([request.prompt for request in requests]):
        for start in range(0, len(places), size):
            yield places[start : start + size]


@torch.no_grad()
def _generate(
    policy: Policy,
    requests: Sequence[RolloutRequest],
    sampling: Sampling,
    finished: Finished | None = None,
) -> list[RolloutGroup]:
    # A row a rollout: generate's num_return_sequences would repeat every tensor row by row, and
    # mix up the tiles of an image that a processor gives several rows.
    prompts = [request.prompt for request in requests for _ in request.seeds]
    inputs = row_inputs(policy.base, prompts, pad_token_id=policy.pad_token_id)
    seeds = [seed for request in requests for seed in request.seeds]
    sampler = SeededSampler(
        seeds,
        sampling.max_new_tokens,
        sampling.temperature,
        sampling.top_p,
        policy.banned_token_ids,
    )
    with policy.autocast(), _no_settings_of_its_own(policy.base):
        tokens = policy.model.generate(
            **inputs,
            generation_config=_config(policy, sampling),
            logits_processor=[sampler],
            stopping_criteria=[FinishedRows(policy, requests, finished)] if finished else [],
            tokenizer=policy.tokenizer,  # looked at for stop texts alone
        )
    completions = tokens[:, inputs["input_ids"].shape[1] :].cpu()
    logprobs = sampler.logprobs.cpu()
    rollouts = iter(
        _rollout(policy, sampling, *row) for row in zip(completions, logprobs, seeds, strict=True)
    )
    return [
        RolloutGroup(request.sample, request.prompt, tuple(next(rollouts) for _ in request.seeds))
        for request in requests
    ]


@contextmanager
def _no_settings_of_its_own(model: Any) -> Iterator[None]:
    """Hide the generation settings of the checkpoint.

    `generate` falls back on them for everything that it is not told, such as `suppress_tokens` or
    `no_repeat_ngram_size`, and the sampler would no longer draw from the policy that is scored.
    """
    own = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def _config(policy: Policy, sampling: Sampling) -> GenerationConfig:
    """Leave every choice to the sampler."""
    return GenerationConfig(
        do_sample=True,
        max_new_tokens=sampling.max_new_tokens,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        min_p=None,
        repetition_penalty=1.0,
        eos_token_id=policy.eos_token_ids,
        stop_strings=list(sampling.stop) or None,
        pad_token_id=policy.pad_token_id,
    )


def _rollout(
    policy: Policy, sampling: Sampling, completion: Tensor, logprobs: Tensor, seed: int
) -> Rollout:
    """Cut what `generate` padded after the end."""
    length, ended = _end(policy, sampling, completion)
    if length == 0:
        raise RolloutError("generate returned an empty completion")
    tokens = completion[:length].clone()
    return Rollout(
        tokens=tokens,
        logprobs=logprobs[:length].clone(),
        text=policy.decode(tokens),
        finish_reason="stop" if ended else "length",
        seed=seed,
    )


def _end(policy: Policy, sampling: Sampling, completion: Tensor) -> tuple[int, bool]:
    """Number of tokens up to the end of the turn or of a stop text, and whether there is one."""
    ends = torch.isin(completion, torch.tensor(policy.eos_token_ids)).nonzero()
    length = int(ends[0, 0]) + 1 if len(ends) else completion.numel()

    def stopped(count: int) -> bool:
        text = policy.decode(completion[:count])
        return any(stop in text for stop in sampling.stop)

    if not sampling.stop or not stopped(length):
        return length, len(ends) > 0
    return bisect_left(range(length), True, key=stopped), True
