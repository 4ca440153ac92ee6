"""The seam of engines that hold weights of their own."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A group, and who drew it."""

    group: RolloutGroup
    """The group."""
    source: str
    """Which replica of the engine; each is proven by itself."""


class Engine(ABC):
    """One or more replicas of the base that serve versions of the adapter."""

    keeps_numbers = False
    """Whether the id of an adapter in the engine is the number of its version."""

    @property
    @abstractmethod
    def sources(self) -> Sequence[str]:
        """Names of the replicas in use."""

    @abstractmethod
    def holds(self, version: AdapterVersion) -> bool:
        """Whether every replica in use serves `version`, as far as it says itself."""

    @abstractmethod
    def push(self, version: AdapterVersion, old: AdapterVersion | None) -> None:
        """Load `version` everywhere and remove `old`.

        Raises:
            RolloutError: If no replica could load it.
        """

    @abstractmethod
    def report(self, modules: Sequence[str]) -> Mapping[str, Sequence[EngineReport]]:
        """By replica: what its workers say of the adapter they serve.

        A replica that cannot be looked into is missing.

        Args:
            modules: The adapted modules under PEFT's names.
        """

    @abstractmethod
    def draw(
        self,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        version: AdapterVersion,
        finished: Finished | None = None,
    ) -> list[Drawn]:
        """Draw one group per request, in their order, with the adapter `version`.

        Args:
            requests: What is asked.
            sampling: How rollouts are drawn.
            version: The adapter.
            finished: Told of each rollout as soon as it is finished.

        Raises:
            RolloutError: If that cannot be had.
        """

    def wake(self) -> None:
        """Get ready to be pushed to."""
        return

    def sleep(self) -> None:
        """Give memory to the trainer until the next `wake`."""
        return

    @abstractmethod
    def close(self) -> None:
        """Free everything."""


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
        RolloutError: If it is empty or holds a token that was banned.
    """
    if not tokens or len(tokens) != len(logprobs):
        raise RolloutError(
            f"the engine returned {len(tokens)} tokens with {len(logprobs)} log-probabilities"
        )
    if banned := set(tokens) & set(policy.banned_token_ids):
        raise RolloutError(f"the engine drew the banned tokens {sorted(banned)}")
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


# Notices when an engine's memory creeps up over many pushes.


_SETTLED_AFTER: Final = 5
"""Pushes after which an engine has allocated what it keeps."""

_LEAST_BYTES: Final = 2**30
"""Growth that is never warned about: an allocator's, and that of an update in the same process."""


class MemoryGuard:
    """Warns when memory grows beyond what it was after the fifth push.

    Args:
        growth: Share of growth that is warned about, if it is more than 1 GiB; once more after each
            further such growth.
    """

    def __init__(self, growth: float = 0.1) -> None:
        if not growth > 0:
            raise ValueError(f"memory_growth: expected a share > 0, got {growth}")
        self._growth = growth
        self._pushes: dict[str, int] = {}
        self._settled: dict[str, int] = {}

    def record(self, source: str, memory_bytes: int) -> None:
        """Note the memory of a replica after a push."""
        pushes = self._pushes[source] = self._pushes.get(source, 0) + 1
        if pushes < _SETTLED_AFTER:
            return
        settled = self._settled.setdefault(source, memory_bytes)
        if memory_bytes > settled + max(settled * self._growth, _LEAST_BYTES):
            warnings.warn(
                f"{source}: memory grew from {settled / 2**30:.2f} GiB to "
                f"{memory_bytes / 2**30:.2f} GiB by push {pushes}; if it goes on, restart the run "
                "from its last checkpoint",
                stacklevel=2,
            )
            self._settled[source] = memory_bytes
