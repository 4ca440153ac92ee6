"""Keeps the adapter of an engine equal to the policy's: push it, and prove that it arrived."""

import time
import warnings
from typing import Final

import torch
from torch import Tensor

from speciarl_pl.engine.adapter_store import AdapterStore, AdapterVersion
from speciarl_pl.engine.engine import Engine
from speciarl_pl.engine.proof import (
    check_reports,
    excerpt,
    gap_limit,
    likely_cause,
    measure_gap,
    module_names,
)
from speciarl_pl.engine.served import served_config, served_state, unscaled
from speciarl_pl.errors import RolloutError
from speciarl_pl.policy import Policy
from speciarl_pl.records import RolloutGroup
from speciarl_pl.sampling import Sampling


class AdapterSync:
    """Keeps an engine's adapter equal to the policy's, and proves that it is.

    The adapter is pushed if it changed: never merged, under a new name and id, the old one removed.
    Each push is proven twice: the engine must hold every LoRA module with the policy's very
    weights, and the log-probabilities of the first tokens that it then draws must be the policy's.
    An engine that shares the policy's weights is left alone.

    Args:
        max_gap: The run stops when the mean gap between the engine's log-probabilities and the
            trainer's is larger (nats a token); null: by number format.
        canary_rollouts: Rollouts of one group that are compared after a push.
        canary_tokens: Tokens of each that are compared.
        adapter_dir: Where adapters are written for the engine; null: in memory where possible.
        memory_growth: A growth of the engine's memory over pushes by this share, if it is more than
            1 GiB, is warned about.
    """

    def __init__(
        self,
        max_gap: float | None = None,
        canary_rollouts: int = 4,
        canary_tokens: int = 32,
        adapter_dir: str | None = None,
        memory_growth: float = 0.1,
    ) -> None:
        if max_gap is not None and not max_gap > 0:
            raise ValueError(f"max_gap: expected a number > 0 or null, got {max_gap}")
        for name, value in (("rollouts", canary_rollouts), ("tokens", canary_tokens)):
            if value < 1:
                raise ValueError(f"canary_{name}: expected an int >= 1, got {value}")
        self.max_gap = max_gap
        self.canary_rollouts = canary_rollouts
        self.canary_tokens = canary_tokens
        self.adapter_dir = adapter_dir
        self.memory_growth = memory_growth
        self._reset()

    def _reset(self) -> None:
        self._store: AdapterStore | None = None
        self._state: dict[str, Tensor] = {}
        self._previous: dict[str, Tensor] | None = None
        self._key: object = None
        self._engine_dtype: torch.dtype | None = None
        self._guard = MemoryGuard(self.memory_growth)
        self.version: AdapterVersion | None = None
        """What the engine serves."""
        self.unproven: set[str] = set()
        """Replicas of the engine that have not drawn since the push."""
        self.last_push: dict[str, float] = {}
        """What is logged of a push: its version, seconds and gap."""

    def forget(self) -> None:
        """Push next time, whatever the engine holds."""
        self._key = None
        self._state = {}

    def close(self) -> None:
        """Remove the adapters that were written."""
        if self._store is not None:
            self._store.close()
        self._reset()

    # ------------------------------------------------------------------ push

    def push(self, engine: Engine, step: int) -> None:
        """Push the adapter if the engine does not serve it yet.

        Args:
            engine: An engine that is open.
            step: Training batches so far.

        Raises:
            RolloutError: If the push or its proof fails.
        """
        if not engine.pushed:
            return
        served = self.version is not None and engine.holds(self.version)
        if self._changed(engine.policy, step) or not served:
            self.last_push = {}
            start = time.perf_counter()
            self._push(engine)
            self.last_push["sync/push_s"] = time.perf_counter() - start

    def follow(self, engine: Engine, step: int, version: AdapterVersion) -> None:
        """Draw with what another process has pushed.

        Args:
            engine: An engine that is open.
            step: Training batches so far.
            version: What was pushed.
        """
        self._changed(engine.policy, step)
        engine.adopt(version)
        if version != self.version:
            self.version = version
            self.unproven = set(engine.sources)

    def _changed(self, policy: Policy, step: int) -> bool:
        """Whether the adapter is not that of the last push; keeps a copy of it.

        The key spares the comparison where nothing can have happened. Batches are counted beside
        torch's own version counters, since optimisers with kernels of their own bypass those.
        """
        key = (step, [p._version for p in policy.trainable_parameters()])
        if key == self._key:
            return False
        state = served_state(policy)
        same = state.keys() == self._state.keys() and all(
            torch.equal(tensor, self._state[name]) for name, tensor in state.items()
        )
        self._key = key
        if not same:
            self._previous = self._state or None
            self._state = state
        return not same

    def _push(self, engine: Engine) -> None:
        if self._store is None:
            self._store = AdapterStore(self.adapter_dir)
        old, self.version = self.version, None
        version = self._store.write(self._state, served_config(engine.policy))
        engine.push(version, old)
        self._inspect(engine, version)
        if old is not None:
            self._store.remove(old)
        self.version = version
        self.unproven = set(engine.sources)
        self.last_push["sync/version"] = float(version.number)

    def _inspect(self, engine: Engine, version: AdapterVersion) -> None:
        """First half of the proof: what the engine holds."""
        number = version.number if engine.keeps_numbers else None
        for source, reports in engine.report(module_names(self._state)).items():
            check_reports(reports, self._state, source, number)
            self._engine_dtype = getattr(torch, reports[0].dtype)
            self._guard.record(source, sum(report.memory_bytes for report in reports))

    # ----------------------------------------------------------------- proof

    def prove(self, engine: Engine, groups: list[RolloutGroup], sampling: Sampling) -> None:
        """Second half of the proof: what the engine says, of each replica that drew.

        Args:
            engine: What drew.
            groups: What it drew.
            sampling: How.

        Raises:
            RolloutError: If its log-probabilities are not the policy's; with the likely cause.
        """
        start = time.perf_counter()
        new = self.unproven & {group.source for group in groups}
        for source in sorted(new):
            group = next(group for group in groups if group.source == source)
            self._prove(engine, excerpt(group, self.canary_rollouts, self.canary_tokens), sampling)
        if new:
            self.last_push["sync/canary_s"] = time.perf_counter() - start

    def _prove(self, engine: Engine, group: RolloutGroup, sampling: Sampling) -> None:
        policy = engine.policy
        gap = measure_gap(policy, group, sampling)
        limit = self.max_gap or gap_limit(policy, self._engine_dtype)
        if not gap.mean <= limit:
            previous = self._previous and unscaled(policy, self._previous)
            cause = likely_cause(policy, group, sampling, limit, previous)
            raise RolloutError(
                f"the log-probabilities of {group.source or type(engine).__name__} are "
                f"{gap.mean:.2g} nats a token off the trainer's (mean over {gap.tokens} tokens, "
                f"largest {gap.max:.2g}), more than {limit:.2g}: {cause}"
            )
        self.unproven.discard(group.source)
        self.last_push["sync/gap_mean"] = max(gap.mean, self.last_push.get("sync/gap_mean", 0.0))
        self.last_push["sync/gap_max"] = max(gap.max, self.last_push.get("sync/gap_max", 0.0))


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
