"""The seam of rollout engines: a callback that attaches rollouts to every batch."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import lightning as L

from speciarl_pl.contracts import check_call, own_code
from speciarl_pl.engine.contract import check_groups
from speciarl_pl.errors import RolloutError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import Batch, RolloutGroup, Sample
from speciarl_pl.sampling import Finished, RolloutRequest, Sampling, rollout_seed
from speciarl_pl.system.stop_signals import alone, stop_if_asked
from speciarl_pl.system.together import together


class RolloutCallback(L.Callback, ABC):
    """Attaches rollouts to every training and validation batch.

    A subclass is an engine: it implements `generate`, and `sync` if it holds weights of its own.

    Args:
        group_size: Rollouts per training sample (paper: 10).
        sampling: How they are drawn.
        val_group_size: Rollouts per validation sample, and per photo in prediction.
        val_sampling: How those are drawn; null: as in training but greedy.
        seed: Seed of all rollouts; null: the run's, from `seed_everything`.
    """

    def __init__(
        self,
        group_size: int = 10,
        sampling: Sampling = Sampling(),  # noqa: B008 (frozen)
        val_group_size: int = 1,
        val_sampling: Sampling | None = None,
        seed: int | None = None,
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
        self.group_size = group_size
        self.sampling = sampling
        self.val_group_size = val_group_size
        self.val_sampling = val_sampling or replace(sampling, temperature=0.0)
        self.seed = seed

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Refuse an engine of a user's own that cannot be asked."""
        check_call(self, "generate", ["module", "requests", "sampling", "finished"], RolloutError)

    @abstractmethod
    def generate(
        self,
        module: SpeciaRLModule,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        finished: Finished | None = None,
    ) -> list[RolloutGroup]:
        """Draw one group per request, in their order.

        Args:
            module: The policy is its.
            requests: What is asked.
            sampling: How rollouts are drawn.
            finished: Told of each rollout as soon as it is finished; None if nobody listens.

        Raises:
            RolloutError: If the engine fails.
        """

    def sync(self, module: SpeciaRLModule) -> None:
        """Bring the engine's weights up to the policy's; nothing to do if it shares them."""
        return

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Attach `group_size` rollouts a sample."""
        assert isinstance(pl_module, SpeciaRLModule)
        start = time.perf_counter()
        self._attach(pl_module, batch, pl_module.batches_trained, self.group_size, self.sampling)
        seconds = time.perf_counter() - start
        tokens = sum(r.tokens.numel() for group in batch.groups or [] for r in group.rollouts)
        pl_module.log_step({"time/rollout_s": seconds, "tokens_per_s": tokens / seconds})

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

    @property
    def run_seed(self) -> int:
        """Seed of all rollouts; by default the run's, where `seed_everything` leaves it."""
        return int(os.environ.get("PL_GLOBAL_SEED", 0)) if self.seed is None else self.seed

    def _attach(
        self,
        module: SpeciaRLModule,
        batch: Batch,
        step: int,
        size: int,
        sampling: Sampling,
    ) -> None:
        trainer = getattr(module, "_trainer", None)
        with together(trainer, RolloutError):
            batch.groups = self._draw(module, batch, step, size, sampling)
        if trainer is not None:
            stop_if_asked(trainer)  # before the update, which may take as long again
        batch.temperature = sampling.temperature

    def _draw(
        self, module: SpeciaRLModule, batch: Batch, step: int, size: int, sampling: Sampling
    ) -> list[RolloutGroup]:
        with own_code(self, "sync", RolloutError):
            self.sync(module)
        requests = [
            RolloutRequest(sample, prompt, self._seeds(sample, step, size))
            for sample, prompt in zip(batch.samples, batch.prompts, strict=True)
        ]
        finished = module.begin_judging()
        trainer = getattr(module, "_trainer", None)
        with alone(trainer), own_code(self, "generate", RolloutError):
            groups = self.generate(module, requests, sampling, finished) if requests else []
        check_groups(self, requests, groups)
        return groups

    def _seeds(self, sample: Sample, step: int, size: int) -> tuple[int, ...]:
        run_seed = self.run_seed
        name = f"{sample.dataset}/{sample.id}"
        return tuple(rollout_seed(run_seed, step, name, index) for index in range(size))
