"""The seam of rollout engines, and what those with an image processor of their own share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from speciarl_pl.engine.adapter_store import AdapterVersion
from speciarl_pl.errors import RolloutError
from speciarl_pl.policy import Policy
from speciarl_pl.records import Rollout, RolloutGroup
from speciarl_pl.sampling import Finished, RolloutRequest, Sampling


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What one worker of an engine says of the adapter it serves."""

    adapters: list[int]
    """Ids of all adapters that it holds."""
    dtype: str
    """Type of the adapter's weights there, e.g. `bfloat16`."""
    modules: dict[str, list[list[float]]]
    """By PEFT's name of a module: fingerprints of A and of B times its scale."""
    unexpected: list[str]
    """Modules that carry weights which the policy's adapter does not have, under vLLM's names."""
    memory_bytes: int
    """Memory in use, of the process and its GPU."""


class Engine(ABC):
    """Draws rollouts: the seam of rollout engines, which knows no trainer.

    An engine that shares the policy's weights, or needs none, has `draw` alone. One with weights of
    its own also has `push`: it is then given every change of the adapter before it draws with it,
    and its log-probabilities are compared with the policy's after each push.
    """

    policy: Policy
    """What is trained, with its tokenizer; there from `open` on."""

    shared: ClassVar[bool] = False
    """Whether all training processes use the same one; rank 0 pushes, the others `adopt`."""

    consecutive_seeds: ClassVar[bool] = False
    """Whether it can only count up from the first seed of a group."""

    keeps_numbers: ClassVar[bool] = False
    """Whether the id of an adapter in the engine is the number of its version."""

    def open(self, policy: Policy) -> None:
        """Start for a policy, before anything else is asked.

        Raises:
            RolloutError: If the engine cannot serve it.
        """
        self.policy = policy

    @abstractmethod
    def draw(
        self,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        finished: Finished | None = None,
    ) -> list[RolloutGroup]:
        """Draw one group per request, in their order, with the adapter as it is.

        Args:
            requests: What is asked; at least one.
            sampling: How rollouts are drawn.
            finished: To be told of each rollout as soon as it is finished, so that judging it can
                begin; None if nobody listens. An engine may leave it alone.

        Raises:
            RolloutError: If that cannot be had.
        """

    def close(self) -> None:
        """Free everything; it may be opened again."""
        return

    # ------------------------------------------- for those with weights of their own

    @property
    def pushed(self) -> bool:
        """Whether it has weights of its own: whether its class has a `push`."""
        return type(self).push is not Engine.push

    @property
    def sources(self) -> Sequence[str]:
        """Names of the replicas in use, as its groups name them; each is proven by itself."""
        return [""]

    def push(self, version: AdapterVersion, old: AdapterVersion | None) -> None:
        """Load `version` everywhere and remove `old`.

        Raises:
            RolloutError: If no replica could load it.
        """
        return

    def holds(self, version: AdapterVersion) -> bool:
        """Whether every replica in use serves `version`, as far as it says itself."""
        return True

    def adopt(self, version: AdapterVersion) -> None:
        """Draw with `version`, which another process has pushed."""
        return

    def report(self, modules: Sequence[str]) -> Mapping[str, Sequence[EngineReport]]:
        """By replica: what its workers say of the adapter they serve.

        A replica that cannot be looked into is missing.

        Args:
            modules: The adapted modules under PEFT's names.
        """
        return {}

    def sleep(self) -> None:
        """Give memory to the trainer, until the next push if need be."""
        return


def check_lengths(
    requests: Sequence[RolloutRequest], sampling: Sampling, context_length: int
) -> None:
    """Make sure that prompts and completions fit, before anything is drawn.

    Raises:
        RolloutError: Names the first sample that does not fit.
    """
    for request in requests:
        length = request.prompt.input_ids.numel()
        if length + sampling.max_new_tokens > context_length:
            raise RolloutError(
                f"sample {request.sample.id} of {request.sample.dataset}: {length} prompt tokens "
                f"and sampling.max_new_tokens={sampling.max_new_tokens} do not fit into the "
                f"engine's context of {context_length}; raise max_model_len of the engine, or "
                "lower model.max_pixels or max_new_tokens"
            )


def check_prompt(request: RolloutRequest, seen: Sequence[int], hint: str = "") -> None:
    """Make sure that the engine saw the prompt that the trainer learns on.

    Raises:
        RolloutError: If tokens differ.
    """
    wanted = request.prompt.input_ids.tolist()
    if list(seen) != wanted:
        raise RolloutError(
            f"sample {request.sample.id} of {request.sample.dataset}: the engine made "
            f"{len(seen)} prompt tokens of it, the trainer {len(wanted)}, or other ones; base, "
            f"chat template or pixel limits of the two differ{hint}"
        )


def rollout(
    policy: Policy, tokens: Sequence[int], logprobs: Sequence[float], stopped: bool, seed: int
) -> Rollout:
    """A rollout from what an engine returned.

    Raises:
        RolloutError: If it is empty.
    """
    if not tokens or len(tokens) != len(logprobs):
        raise RolloutError(
            f"the engine returned {len(tokens)} tokens with {len(logprobs)} log-probabilities"
        )
    return Rollout(
        tokens=torch.tensor(tokens),
        logprobs=torch.tensor(logprobs, dtype=torch.float32),
        text=policy.decode(tokens),
        finish_reason="stop" if stopped else "length",
        seed=seed,
    )


def ban(policy: Policy) -> dict[int, float]:
    """Logit bias that keeps an engine from drawing image tokens: a factor of e^-100."""
    return dict.fromkeys(policy.banned_token_ids, -100.0)


def pixel_limits(policy: Policy) -> dict[str, Any]:
    """Arguments that make an engine's image processor resize as the trainer's does."""
    images = policy.encoder.image_processor
    if not hasattr(images, "merge_size"):  # of Qwen and GLM alone the limits are a size
        return {}
    edges = ("shortest_edge", "longest_edge")
    return {"size": {edge: images.size[edge] for edge in edges}}
