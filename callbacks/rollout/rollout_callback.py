"""Rollouts for every batch, from an engine."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import lightning as L

from speciarl_pl.contracts import check_call, own_code
from speciarl_pl.engine import AdapterSync, Engine
from speciarl_pl.engine.contract import check_groups
from speciarl_pl.errors import RolloutError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import Policy
from speciarl_pl.records import Batch, RolloutGroup, Sample
from speciarl_pl.sampling import Finished, RolloutRequest, Sampling, rollout_seed
from speciarl_pl.system.stop_signals import alone, stop_if_asked
from speciarl_pl.system.together import together


class RolloutCallback(L.Callback):
    """Attaches rollouts to every training and validation batch.

    The engine starts with the first batch and ends with the run. One with weights of its own is
    kept equal to the policy, so that a new or resumed run begins with a push.

    Args:
        engine: Draws them; one of a user's own is a subclass of `speciarl_pl.engine.Engine`.
        group_size: Rollouts per training sample (paper: 10).
        sampling: How they are drawn.
        val_group_size: Rollouts per validation sample, and per photo in prediction.
        val_sampling: How those are drawn; null: as in training but greedy.
        seed: Seed of all rollouts; null: the run's, from `seed_everything`.
        sync: How the adapter gets to an engine that is pushed to, and how that is proven.
    """

    def __init__(
        self,
        engine: Engine,
        group_size: int = 10,
        sampling: Sampling = Sampling(),  # noqa: B008 (frozen)
        val_group_size: int = 1,
        val_sampling: Sampling | None = None,
        seed: int | None = None,
        sync: AdapterSync | None = None,
    ) -> None:
        if group_size < 2:
            raise ValueError(
                f"group_size: expected an int >= 2, got {group_size}; "
                "a group of one has no relative advantage"
            )
        if val_group_size < 1:
            raise ValueError(f"val_group_size: expected an int >= 1, got {val_group_size}")
        if sampling.temperature == 0:
            raise ValueError("sampling.temperature: expected > 0; greedy rollouts are all the same")
        if sampling.top_p < 1:
            raise ValueError(
                f"sampling.top_p: expected 1 in training, got {sampling.top_p}; the update takes "
                "the policy's log-probabilities over all tokens"
            )
        self.engine = engine
        self.group_size = group_size
        self.sampling = sampling
        self.val_group_size = val_group_size
        self.val_sampling = val_sampling or replace(sampling, temperature=0.0)
        self.seed = seed
        self.sync = sync or AdapterSync()
        self._opened_for: Policy | None = None

    @property
    def engine_name(self) -> str:
        """What the engine is called in what a run leaves: by the callback that is named for it."""
        return type(self.engine if type(self) is RolloutCallback else self).__name__

    @property
    def run_seed(self) -> int:
        """Seed of all rollouts; by default the run's, where `seed_everything` leaves it."""
        return int(os.environ.get("PL_GLOBAL_SEED", 0)) if self.seed is None else self.seed

    # ----------------------------------------------------------------- hooks

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Refuse what cannot be asked: an engine of a user's own, a callback of the older form."""
        if hasattr(self, "generate"):
            raise RolloutError(
                f"{type(self).__name__}.generate: expected a subclass of speciarl_pl.Engine with "
                "draw, given to RolloutCallback; generate of a callback is no longer asked"
            )
        check_call(self.engine, "draw", ["requests", "sampling", "finished"], RolloutError)

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Whatever the engine holds, it is not what was loaded."""
        self.sync.forget()

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Attach `group_size` rollouts a sample, log the push, and give memory to the update."""
        assert isinstance(pl_module, SpeciaRLModule)
        start = time.perf_counter()
        self._attach(pl_module, batch, pl_module.batches_trained, self.group_size, self.sampling)
        seconds = time.perf_counter() - start
        tokens = sum(r.tokens.numel() for group in batch.groups or [] for r in group.rollouts)
        pl_module.log_step({"time/rollout_s": seconds, "tokens_per_s": tokens / seconds})
        pl_module.log_step(self.sync.last_push)
        self.sync.last_push = {}
        self.engine.sleep()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say how many rollouts an image will have."""
        assert isinstance(pl_module, SpeciaRLModule)
        pl_module.val_samples = self.val_group_size

    def on_validation_batch_start(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Attach `val_group_size` rollouts a sample."""
        assert isinstance(pl_module, SpeciaRLModule)
        self._attach(pl_module, batch, -1, self.val_group_size, self.val_sampling)

    on_predict_batch_start = on_validation_batch_start

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
        """End the engine, if it was started, and remove its adapters."""
        opened, self._opened_for = self._opened_for, None
        if opened is not None:
            self.engine.close()
        self.sync.close()

    # --------------------------------------------------------------- drawing

    def prepare(self, module: SpeciaRLModule) -> None:
        """Start the engine, if need be, and bring its weights up to the policy's.

        Raises:
            RolloutError: If a push or its proof fails, on whichever process.
        """
        trainer = module._trainer
        if trainer is None or not (self.engine.pushed and self.engine.shared):
            self._push(module)
            return
        with together(trainer, RolloutError):
            if trainer.is_global_zero:
                self._push(module)
        version = trainer.strategy.broadcast(self.sync.version)
        with together(trainer, RolloutError):
            if not trainer.is_global_zero:
                assert version is not None
                self._open(module)
                self.sync.follow(self.engine, module.batches_trained, version)

    def draw(
        self,
        module: SpeciaRLModule,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        finished: Finished | None = None,
    ) -> list[RolloutGroup]:
        """Draw one group per request, in their order, check them, and prove the last push by them.

        Raises:
            RolloutError: If the engine fails, breaks its contract, or serves another policy.
        """
        self._open(module)
        with own_code(self.engine, "draw", RolloutError):
            groups = self.engine.draw(requests, sampling, finished) if requests else []
        check_groups(self.engine, requests, groups, module.loaded_policy.banned_token_ids)
        self.sync.prove(self.engine, groups, sampling)
        return groups

    def _open(self, module: SpeciaRLModule) -> None:
        policy = module.loaded_policy
        if self._opened_for is not policy:
            self.close()
            with own_code(self.engine, "open", RolloutError):
                self.engine.open(policy)
            self._opened_for = policy

    def _push(self, module: SpeciaRLModule) -> None:
        self._open(module)
        with own_code(self.engine, "push", RolloutError):
            self.sync.push(self.engine, module.batches_trained)

    def _attach(
        self, module: SpeciaRLModule, batch: Batch, step: int, size: int, sampling: Sampling
    ) -> None:
        trainer = module._trainer
        with together(trainer, RolloutError):
            self.prepare(module)
            requests = [
                RolloutRequest(sample, prompt, self._seeds(sample, step, size))
                for sample, prompt in zip(batch.samples, batch.prompts, strict=True)
            ]
            finished = module.begin_judging()
            with alone(trainer):
                batch.groups = self.draw(module, requests, sampling, finished)
        if trainer is not None:
            stop_if_asked(trainer)  # before the update, which may take as long again
        batch.temperature = sampling.temperature

    def _seeds(self, sample: Sample, step: int, size: int) -> tuple[int, ...]:
        name = f"{sample.dataset}/{sample.id}"
        if not self.engine.consecutive_seeds:
            return tuple(rollout_seed(self.run_seed, step, name, index) for index in range(size))
        first = rollout_seed(self.run_seed, step, name, 0) // 2  # room to count up
        return tuple(range(first, first + size))
