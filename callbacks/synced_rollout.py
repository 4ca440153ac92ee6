"""Rollouts from engines with weights of their own: push the adapter, prove it, then draw."""

import time
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import lightning as L
import torch
from torch import Tensor

from speciarl_pl.callbacks.rollout import RolloutCallback
from speciarl_pl.engine import (
    AdapterStore,
    AdapterVersion,
    Engine,
    MemoryGuard,
    check_reports,
    check_servable,
    excerpt,
    gap_limit,
    likely_cause,
    measure_gap,
    module_names,
    served_config,
    served_state,
    unscaled,
)
from speciarl_pl.errors import RolloutError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import Policy
from speciarl_pl.records import Batch, RolloutGroup
from speciarl_pl.sampling import Finished, RolloutRequest, Sampling


class SyncedRolloutCallback(RolloutCallback):
    """Keeps an engine's adapter equal to the policy's, and proves that it is.

    Before each batch the adapter is pushed if it changed: never merged, under a new name and id,
    the old one removed. Each push is proven twice: the engine must hold every LoRA module with the
    policy's very weights, and the log-probabilities of the first tokens that it then draws must be
    the policy's. The engine starts with the first batch and ends with the run, so that a new or
    resumed run begins with a push.

    A subclass says how to start its engine.

    Args:
        max_gap: The run stops when the mean gap between the engine's log-probabilities and the
            trainer's is larger (nats a token); null: by number format.
        canary_rollouts: Rollouts of one group that are compared after a push.
        canary_tokens: Tokens of each that are compared.
        adapter_dir: Where adapters are written for the engine; null: in memory where possible.
        memory_growth: A growth of the engine's memory over pushes by this share, if it is more than
            1 GiB, is warned about.
        **options: Those of `RolloutCallback`.
    """

    def __init__(
        self,
        *,
        max_gap: float | None = None,
        canary_rollouts: int = 4,
        canary_tokens: int = 32,
        adapter_dir: str | None = None,
        memory_growth: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
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
        self._engine: Engine | None = None
        self._reset()

    @abstractmethod
    def start_engine(self, module: SpeciaRLModule) -> Engine:
        """Start the engine for the policy of `module`."""

    def _reset(self) -> None:
        self._store: AdapterStore | None = None
        self._version: AdapterVersion | None = None
        self._state: dict[str, Tensor] = {}
        self._previous: dict[str, Tensor] | None = None
        self._key: object = None
        self._unproven: set[str] = set()
        self._engine_dtype: torch.dtype | None = None
        self._guard = MemoryGuard(self.memory_growth)
        self.last_push: dict[str, float] = {}
        """What is logged of a push: its version, seconds and gap."""

    # ----------------------------------------------------------------- hooks

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: Any, checkpoint: Any) -> None:
        """Whatever the engine holds, it is not what was loaded."""
        self._key = None
        self._state = {}

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Attach rollouts, log the push, and give memory to the update."""
        super().on_train_batch_start(trainer, pl_module, batch, batch_idx)
        assert isinstance(pl_module, SpeciaRLModule)
        pl_module.log_step(self.last_push)
        self.last_push = {}
        assert self._engine is not None
        self._engine.sleep()

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """End the engine."""
        self.close()

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """End the engine; a second failure must not hide the first."""
        with suppress(Exception):
            self.close()

    def close(self) -> None:
        """End the engine and remove its adapters."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
        if self._store is not None:
            self._store.close()
        self._reset()

    # ------------------------------------------------------------------ push

    def sync(self, module: SpeciaRLModule) -> None:
        """Push the adapter if the engine does not serve it yet.

        Raises:
            RolloutError: If the push or its proof fails.
        """
        self._started(module).wake()
        if self._changed(module) or not self._served():
            self.last_push = {}
            start = time.perf_counter()
            self._push(module.loaded_policy)
            self.last_push["sync/push_s"] = time.perf_counter() - start

    def _started(self, module: SpeciaRLModule) -> Engine:
        if self._engine is None:
            check_servable(module.loaded_policy)
            self._engine = self.start_engine(module)
        return self._engine

    def _served(self) -> bool:
        assert self._engine is not None
        return self._version is not None and self._engine.holds(self._version)

    def _changed(self, module: SpeciaRLModule) -> bool:
        """Whether the adapter is not that of the last push; keeps a copy of it.

        The key spares the comparison where nothing can have happened. Batches are counted beside
        torch's own version counters, since optimisers with kernels of their own bypass those.
        """
        policy = module.loaded_policy
        key = (module.batches_trained, [p._version for p in policy.trainable_parameters()])
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

    def _push(self, policy: Policy) -> None:
        assert self._engine is not None
        if self._store is None:
            self._store = AdapterStore(self.adapter_dir)
        old, self._version = self._version, None
        version = self._store.write(self._state, served_config(policy))
        self._engine.push(version, old)
        self._inspect(version)
        if old is not None:
            self._store.remove(old)
        self._version = version
        self._unproven = set(self._engine.sources)
        self.last_push["sync/version"] = float(version.number)

    def _inspect(self, version: AdapterVersion) -> None:
        """First half of the proof: what the engine holds."""
        assert self._engine is not None
        number = version.number if self._engine.keeps_numbers else None
        for source, reports in self._engine.report(module_names(self._state)).items():
            check_reports(reports, self._state, source, number)
            self._engine_dtype = getattr(torch, reports[0].dtype)
            self._guard.record(source, sum(report.memory_bytes for report in reports))

    # ------------------------------------------------------------------ draw

    def generate(
        self,
        module: SpeciaRLModule,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        finished: Finished | None = None,
    ) -> list[RolloutGroup]:
        """Draw one group per request, in their order, and prove the last push by them.

        Raises:
            RolloutError: If the engine fails, or the proof.
        """
        assert self._engine is not None
        assert self._version is not None, "sync comes first"
        drawn = self._engine.draw(requests, sampling, self._version, finished)
        start = time.perf_counter()
        new = self._unproven & {one.source for one in drawn}
        for source in sorted(new):
            group = next(one.group for one in drawn if one.source == source)
            self._prove(module.loaded_policy, group, sampling, source)
        if new:
            self.last_push["sync/canary_s"] = time.perf_counter() - start
        return [one.group for one in drawn]

    def _prove(self, policy: Policy, group: RolloutGroup, sampling: Sampling, source: str) -> None:
        """Second half of the proof: what the engine says."""
        part = excerpt(group, self.canary_rollouts, self.canary_tokens)
        gap = measure_gap(policy, part, sampling)
        limit = self.max_gap or gap_limit(policy, self._engine_dtype)
        if not gap.mean <= limit:
            previous = self._previous and unscaled(policy, self._previous)
            cause = likely_cause(policy, part, sampling, limit, previous)
            raise RolloutError(
                f"the log-probabilities of {source} are {gap.mean:.2g} nats a token off the "
                f"trainer's (mean over {gap.tokens} tokens, largest {gap.max:.2g}), more than "
                f"{limit:.2g}: {cause}"
            )
        self._unproven.discard(source)
        self.last_push["sync/gap_mean"] = max(gap.mean, self.last_push.get("sync/gap_mean", 0.0))
        self.last_push["sync/gap_max"] = max(gap.max, self.last_push.get("sync/gap_max", 0.0))
