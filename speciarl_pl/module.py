"""`SpeciaRLModule`: the steps of one GRPO update, in order."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import lightning as L
import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor
from torch.optim import Optimizer

from speciarl_pl.category import UNJUDGED
from speciarl_pl.errors import JudgeError, ModelError, RolloutError
from speciarl_pl.grpo import AdvantageScale, GRPOLoss, group_advantages
from speciarl_pl.judge import ExactJudge, Judge
from speciarl_pl.metrics.functional import Summary, group_averages, macro_average
from speciarl_pl.policy import (
    Dtype,
    LoraSpec,
    Policy,
    Quantization,
    RowKind,
    check_trainable,
    load_policy,
)
from speciarl_pl.records import (
    Batch,
    EncodedPrompt,
    JudgedGroup,
    RolloutGroup,
    Sample,
    ScoredGroup,
)
from speciarl_pl.reward import BestOfGroupReward, Reward, check_reward, checked_rewards
from speciarl_pl.run.checkpoint import (
    KEY,
    fit_policy,
    loaded_state,
    restore_random_state,
    saved_state,
)
from speciarl_pl.sampling import Finished
from speciarl_pl.step.judging import RolloutJudging
from speciarl_pl.step.log import StepLog
from speciarl_pl.step.nonfinite import GradientWatch
from speciarl_pl.step.ranks import Ranks
from speciarl_pl.step.rollout_stats import rollout_stats
from speciarl_pl.step.totals import step_totals
from speciarl_pl.step.trainer_check import (
    check_monitors,
    check_optimizer,
    check_schedule,
    check_trainer,
)
from speciarl_pl.step.update import PolicyUpdate
from speciarl_pl.step.validation import ValidationOutcomes, image_outcomes
from speciarl_pl.system.together import apart


class SpeciaRLModule(L.LightningModule):
    """GRPO on a vision-language model with a reward relative to the group's best answer.

    A rollout callback attaches rollouts to each batch and the data module brings the judge; this
    module turns answers into verdicts, rewards and advantages, and updates the adapter.

    Args:
        base: Directory or hub id of a vision-language model, `owner/name` or, to stay with one
            version, `owner/name@revision`; `world` is the built-in one.
        lora: Size and place of the adapter.
        quantization: `nf4` holds the base's language model in 4 bit (QLoRA); null does not.
        dtype: Number format of the base; `auto` keeps that of its files. The adapter is float32.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
        rows: How rollouts are laid out for the update: `shared` puts all rollouts of an image
            behind one prompt, `plain` gives each a row, `auto` picks by model.
        adapter: Directory of a PEFT adapter to start from.
        min_pixels: Images are enlarged to at least this many pixels; null: the base's own.
        max_pixels: Images are shrunk to at most this many pixels; null: the base's own.
        reward: How a judged group becomes numbers; null: the paper's best-of-group.
        loss: The surrogate and its variants.
        advantage_scale: Whether advantages are divided by the group's standard deviation.
        mini_batches: Optimiser steps per batch of rollouts.
        micro_batch_groups: Groups that go through the policy at once; bounds the memory.
        keep_groups_without_signal: Also run groups whose rewards are all equal, for their KL term.
        max_grad_norm: Gradients are clipped to this norm; null: not at all.
        optimizer: The optimiser; `bitsandbytes.optim.PagedAdamW8bit` is one for small memory.
        lr_scheduler: The learning-rate schedule, stepped once per batch; null: constant.
        max_answer_chars: A longer answer counts as unparsed.
        max_unjudged_share: The run stops when more than this share of a batch has no verdict.
        judge_patience_s: Seconds that a batch waits for a judge that is down before what it left
            unjudged is masked; with several processes, less than their own timeout.
    """

    def __init__(
        self,
        base: str = "world",
        lora: LoraSpec = LoraSpec(),  # noqa: B008 (frozen)
        quantization: Quantization | None = None,
        dtype: Dtype = "auto",
        gradient_checkpointing: bool = False,
        rows: RowKind = "auto",
        adapter: str | None = None,
        min_pixels: int | None = None,
        max_pixels: int | None = None,
        reward: Reward | None = None,
        loss: GRPOLoss = GRPOLoss(),  # noqa: B008 (frozen)
        advantage_scale: AdvantageScale = "std",
        mini_batches: int = 1,
        micro_batch_groups: int = 16,
        keep_groups_without_signal: bool = False,
        max_grad_norm: float | None = 1.0,
        optimizer: OptimizerCallable = torch.optim.AdamW,
        lr_scheduler: LRSchedulerCallable | None = None,
        max_answer_chars: int = 200,
        max_unjudged_share: float = 0.5,
        judge_patience_s: float = 300.0,
    ) -> None:
        super().__init__()
        _check_positive(
            mini_batches=mini_batches,
            micro_batch_groups=micro_batch_groups,
            max_answer_chars=max_answer_chars,
        )
        self._judging = RolloutJudging(max_answer_chars, max_unjudged_share, judge_patience_s)
        self.automatic_optimization = False
        self.strict_loading = False  # checkpoints hold the adapter alone, checked on load
        self.policy: Policy | None = None
        self.results: dict[str, Summary] = {}
        """What the last validation found, by data set."""
        self.codes: dict[str, Tensor] = {}
        """The same image by image: outcome codes, int8 [images, samples]."""
        self.val_samples = 1
        """Rollouts an image in validation; set by the rollout callback before it begins."""
        self.outcomes: ValidationOutcomes | None = None
        """What the validation has counted so far."""
        self.batches_trained = 0
        """Training batches so far, of which each counts, whether or not it could be learned from;
        `trainer.global_step`, and so `max_steps` and `every_n_train_steps`, is the same number."""
        self._step_log = StepLog()
        self._gradients = GradientWatch()
        self.batches_learned = 0
        """Those with a signal after which the optimiser took a step."""
        self._load = partial(
            load_policy,
            base,
            lora=lora,
            quantization=quantization,
            dtype=dtype,
            gradient_checkpointing=gradient_checkpointing,
            rows=rows,
            adapter=adapter,
            min_pixels=min_pixels,
            max_pixels=max_pixels,
        )
        self._update = partial(
            PolicyUpdate,
            loss=loss,
            mini_batches=mini_batches,
            micro_batch_groups=micro_batch_groups,
            keep_groups_without_signal=keep_groups_without_signal,
            max_grad_norm=max_grad_norm,
        )
        self._reward = reward or BestOfGroupReward()
        self._advantage_scale: AdvantageScale = advantage_scale
        self._optimizer = optimizer
        self._lr_scheduler = lr_scheduler

    # ---------------------------------------------------------------- set-up

    def setup(self, stage: str) -> None:
        """Refuse trainer options that this module cannot take, and a reward that is none."""
        check_trainer(self.trainer, fitting=stage == "fit")
        if stage == "fit":
            check_reward(self._reward)

    def on_fit_start(self) -> None:
        """Refuse callbacks that watch what is not logged."""
        check_monitors(self.trainer)

    def configure_model(self) -> None:
        """Load the policy, once."""
        if self.policy is None:
            self.policy = self._load().train()
        self._judging.thinking_opened = self.policy.encoder.thinking_opened
        if self._trainer is not None and self._trainer.state.fn == "fit":
            check_trainable(self.policy)

    def configure_optimizers(self) -> Any:
        """The optimiser over the adapter, and its schedule."""
        optimizer = self._optimizer(self.loaded_policy.trainable_parameters())
        check_optimizer(optimizer)
        if self._lr_scheduler is None:
            return optimizer
        schedule = self._lr_scheduler(optimizer)
        check_schedule(schedule, self.trainer)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    @property
    def recipe(self) -> dict[str, str]:
        """Settings of the algorithm, for the card of the adapter."""
        loss, update = self._update.keywords["loss"], self._update.keywords
        return {
            "reward": type(self._reward).__name__,
            "loss": str(loss),
            "advantages divided by": str(self._advantage_scale),
            "mini-batches a step": str(update["mini_batches"]),
            "gradients clipped to": str(update["max_grad_norm"]),
        }

    @property
    def loaded_policy(self) -> Policy:
        """The policy.

        Raises:
            ModelError: Before `configure_model` has run.
        """
        if self.policy is None:
            raise ModelError("the policy is not loaded yet; Lightning calls configure_model first")
        return self.policy

    @property
    def encode(self) -> Callable[[Sample], EncodedPrompt]:
        """How the data module's workers encode a sample; picklable without the weights."""
        return self.loaded_policy.encoder

    @property
    def judge(self) -> Judge:
        """The judge that the data module owns.

        Raises:
            JudgeError: If there is none.
        """
        judge = self._find_judge()
        if judge is None:
            raise JudgeError("no judge: SpeciaRLModule needs a data module with a `judge`")
        return judge

    def _find_judge(self) -> Judge | None:
        trainer = getattr(self, "_trainer", None)
        if trainer is None or trainer.predicting:  # photos have no truth to be judged by
            return None
        return getattr(getattr(trainer, "datamodule", None), "judge", None)

    @property
    def ranks(self) -> Ranks:
        """The trainer's backward pass and sums over ranks."""
        return Ranks.of(self.trainer, self.manual_backward)

    # -------------------------------------------------------------- training

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Judge the rollouts of `batch`, learn from them, and log.

        Returns:
            `{"scored": list[ScoredGroup], "totals": StepTotals}`, for callbacks.

        Raises:
            RolloutError: If no rollout callback has attached rollouts.
            UnjudgedError: If more was left unjudged than `max_unjudged_share`.
        """
        start = time.perf_counter()
        scored = [self._score(group) for group in self._judge(batch)]
        judged_at = time.perf_counter()
        totals = step_totals(scored, len(batch.skipped), self.ranks, self.device)
        # Of all ranks, so that either all stop or none waits for one that did.
        self._judging.check([g.judged for g in scored], totals.unjudged, totals.rollouts)
        stats = rollout_stats(scored, totals, self.ranks, self.device)
        update = self._update(self.loaded_policy, temperature=batch.temperature)
        learned = update(scored, self._only_optimizer(), self.ranks)
        path = Path(self.trainer.default_root_dir, f"nonfinite.{self.global_rank}.pt")
        self._gradients.see(learned, scored, self.batches_trained, self.loaded_policy, path)
        self.log_step({**stats, **learned, "lr": self._only_optimizer().param_groups[0]["lr"]})
        if (schedule := self.lr_schedulers()) is not None:
            schedule.step()  # type: ignore[union-attr]
        seconds = {
            "time/judge_s": judged_at - start,
            "time/update_s": time.perf_counter() - judged_at,
        }
        self.log_step(seconds)
        self._count_batch()
        self.batches_learned += totals.signal > 0 and "grad_norm" in learned
        return {"scored": scored, "totals": totals}

    def log_step(self, values: Mapping[str, float]) -> None:
        """Log values of the present training batch, as one row with all others of it.

        Args:
            values: By name; what is undefined for this batch is left out.
        """
        self._step_log.add(self, values)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Hand the row of this batch to the loggers."""
        self.hand_over_row()

    def hand_over_row(self) -> None:
        """Hand the row of a finished batch to the loggers, if they do not have it yet."""
        self._step_log.write(self, cast(Any, self.trainer).log_every_n_steps)

    def _count_batch(self) -> None:
        """Count a batch, in Lightning's books too, which would count optimiser steps."""
        self._step_log.end(self.batches_trained)
        self.batches_trained += 1
        loop = self.trainer.fit_loop.epoch_loop.manual_optimization
        counted = loop.optim_step_progress.total
        counted.ready = counted.completed = self.batches_trained

    def begin_judging(self) -> Finished | None:
        """Get ready to judge rollouts while others are drawn; a rollout callback calls this.

        Returns:
            What to tell of each finished rollout; None where there is no judge, or judging takes
            no time worth saving.
        """
        judge = self._find_judge()
        return None if judge is None else self._judging.begin(judge)

    def _judge(self, batch: Batch) -> list[JudgedGroup]:
        groups = self._rolled_out(batch)
        with apart(self._trainer, JudgeError):
            return self._judging.judge(self.judge, groups)

    def _rolled_out(self, batch: Batch) -> list[RolloutGroup]:
        if batch.groups is None:
            raise RolloutError(
                "the batch has no rollouts; add a rollout callback, for instance "
                "speciarl_pl.callbacks.HFRolloutCallback, to trainer.callbacks"
            )
        return batch.groups

    def _score(self, judged: JudgedGroup) -> ScoredGroup:
        rewards = checked_rewards(self._reward, judged)
        return ScoredGroup(judged, rewards, group_advantages(rewards, self._advantage_scale))

    def _only_optimizer(self) -> Optimizer:
        return cast(Optimizer, self.optimizers())  # Lightning's wrapper counts the steps

    # ------------------------------------------------------------ validation

    def on_validation_start(self) -> None:
        """Begin with empty counts, one set per data set."""
        names = self.trainer.datamodule.val_names  # type: ignore[attr-defined]
        self.outcomes = ValidationOutcomes(names, self.val_samples, self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Judge the rollouts of `batch` and count the outcomes.

        Returns:
            `{"judged": list[JudgedGroup]}`, for callbacks.

        Raises:
            UnjudgedError: If more was left unjudged than `max_unjudged_share`.
        """
        judged = self._judge(batch)
        outcomes = [outcome.code for group in judged for outcome in group.outcomes]
        counts = torch.tensor([outcomes.count(UNJUDGED), len(outcomes)], dtype=torch.float64)
        unjudged, rollouts = self.ranks.sum(counts.to(self.device)).tolist()  # as in training
        self._judging.check(judged, unjudged, rollouts)
        assert self.outcomes is not None
        self.outcomes.add(image_outcomes(group) for group in judged)
        self.outcomes.skip(batch.skipped)
        return {"judged": judged}

    def on_validation_epoch_end(self) -> None:
        """Sum up `results`, one summary per data set, and log them."""
        assert self.outcomes is not None
        self.results = self.outcomes.summaries()
        self.codes = self.outcomes.codes()
        groups = self.trainer.datamodule.val_groups  # type: ignore[attr-defined]
        for name, summary in self.results.items():
            self._log_rates(f"val/{name}", macro_average({name: summary}))
        for name, means in group_averages(self.results, groups).items():
            self._log_rates(f"val/{name}", means)
        self._log_rates("val/macro", macro_average(self.results))

    def _log_rates(self, prefix: str, rates: Mapping[str, Any]) -> None:
        numbers = {key: value for key, value in rates.items() if isinstance(value, float)}
        self.log_dict({f"{prefix}/{key}": value for key, value in numbers.items()})

    # ------------------------------------------------------------ prediction

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Read the answers to photos without labels, of which there is nothing to judge.

        Returns:
            `{"judged": list[JudgedGroup]}`, for callbacks; every answer is unjudged.

        Raises:
            RolloutError: If no rollout callback has attached rollouts.
        """
        return {"judged": self._judging.judge(ExactJudge(), self._rolled_out(batch))}

    # ----------------------------------------------------------- checkpoints

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """The adapter alone, under PEFT's names; never the frozen base."""
        return {} if self.policy is None else self.policy.adapter_state_dict()

    def load_state_dict(
        self, state_dict: Mapping[str, Tensor], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load the adapter.

        Raises:
            ModelError: If names or shapes are not those of this adapter.
        """
        return self.loaded_policy.load_adapter_state_dict(state_dict)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the number of batches trained on, random states, and what the policy is."""
        checkpoint[KEY] = saved_state(
            self.loaded_policy, self.batches_trained, self.batches_learned
        )

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what `on_save_checkpoint` added.

        Raises:
            ModelError: If the checkpoint is not of such a run, or of one with another policy.
        """
        saved = loaded_state(checkpoint)
        training = self.trainer.state.fn == "fit"
        name = str(self.trainer.ckpt_path or "the checkpoint")
        fit_policy(self.loaded_policy, saved, name, training)
        self.batches_trained = saved["batches_trained"]
        # Older checkpoints do not say; whoever resumes one takes it for trained.
        self.batches_learned = saved.get("batches_learned", self.batches_trained)
        if training:
            restore_random_state(saved, self.trainer.global_rank, self.trainer.world_size)


def _check_positive(**arguments: int) -> None:
    for name, value in arguments.items():
        if value < 1:
            raise ValueError(f"{name}: expected an int >= 1, got {value}")
