"""Stops a training that learns nothing, and says why."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import lightning as L

from speciarl_pl.callbacks.rollout import RolloutCallback
from speciarl_pl.errors import TrainingError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import Batch, SkippedSample
from speciarl_pl.step.causes import Example, Setup, examples_of, likely_cause
from speciarl_pl.step.totals import StepTotals
from speciarl_pl.system.terminal import say

_NAMED: Final = 5
"""Files that a message names."""


class RunWatch(L.Callback):
    """Stops a `fit` that learns nothing, with an error that names the likely cause.

    Shares are over all ranks, which stop together. What is counted survives in the checkpoint, but
    for what a stop was for: a run that is resumed after one has its patience again.

    Args:
        max_skipped_share: The run stops when more than this share of the samples of the last
            `window` batches could not be read, and a `validate` ends with an error when more than
            this share of its images could not; null: never.
        window: Batches over which that share is taken.
        max_blind_batches: The run stops when its first so many batches have no readable image at
            all; null: never.
        patience: The run stops after so many batches in a row of which none has a group with a
            signal, or none has a single correct answer (then abstaining is all that can be
            learned); null: never.
        warn_after: After so many batches of which none had a single correct answer the run says
            so, and why, and goes on; null: never.
        must_learn: A run that ends without having learned from a single batch ends with an error.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        max_skipped_share: float | None = 0.5,
        window: int = 20,
        max_blind_batches: int | None = 3,
        patience: int | None = 20,
        warn_after: int | None = 3,
        must_learn: bool = True,
    ) -> None:
        if max_skipped_share is not None and not 0 <= max_skipped_share <= 1:
            raise ValueError(f"max_skipped_share: expected 0 to 1, got {max_skipped_share}")
        limits = {
            "window": window,
            "max_blind_batches": max_blind_batches,
            "patience": patience,
            "warn_after": warn_after,
        }
        for name, value in limits.items():
            if value is not None and value < 1:
                raise ValueError(f"{name}: expected an int >= 1, got {value}")
        self.max_skipped_share = max_skipped_share
        self.max_blind_batches = max_blind_batches
        self.patience = patience
        self.warn_after = warn_after
        self.must_learn = must_learn
        self._window: deque[StepTotals] = deque(maxlen=window)
        self._all = StepTotals()
        self._silent = StepTotals()
        self._examples: list[Example] = []
        self._skipped: Sequence[SkippedSample] = ()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Count the batch.

        Raises:
            TrainingError: If a limit is reached.
        """
        assert isinstance(pl_module, SpeciaRLModule)
        totals: StepTotals = outputs["totals"]
        self._window.append(totals)
        self._all += totals
        self._skipped = batch.skipped[:_NAMED] or self._skipped
        if totals.signal and totals.correct:
            self._silent, self._examples = StepTotals(), []
        else:
            self._silent += totals
            self._examples = self._examples or examples_of(outputs["scored"])
        if message := self._fault(trainer, pl_module):
            silent = self._silent.batches == self.patience and not self._all.correct
            untrained = silent or not pl_module.batches_learned
            self._forgive()
            raise TrainingError(message, untrained)
        if self._all.batches == self.warn_after and not self._all.correct:
            self._warn_early(trainer, pl_module)

    def _warn_early(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Say that nothing was right so far, while there is still something to save."""
        if not trainer.is_global_zero or not self._all.rollouts:
            return
        head = f"no answer of the first {self._all.batches} batches was correct"
        switch = "watch.warn_after null turns this warning off"
        say(f"warning: {self._silence(head, switch, trainer, module)}", stderr=True)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the whole run.

        Raises:
            TrainingError: If nothing was learned, or too much of a short run could not be read.
        """
        assert isinstance(pl_module, SpeciaRLModule)
        if not self._all.batches or cast(Any, trainer).fast_dev_run:
            return
        if self.must_learn and not pl_module.batches_learned:
            raise TrainingError(self._untaught(trainer, pl_module), untrained=True)
        if message := self._too_many_skipped():
            raise TrainingError(message)
        if not self._all.correct and trainer.is_global_zero:
            head = (
                "this training was in vain, since nothing that was right was ever rewarded: no "
                f"answer of {self._all.batches} training batches was correct"
            )
            switch = "watch.patience stops such a run sooner"
            said = self._silence(head, switch, trainer, pl_module)
            say(f"warning: {said}", stderr=True)

    def _untaught(self, trainer: L.Trainer, module: L.LightningModule) -> str:
        head = f"nothing was learned in {self._all.batches} batches"
        if self._all.signal:
            return (
                f"{head}: {self._all.signal} groups had a signal, but the optimiser took no step; "
                "look for gradients that are not finite"
            )
        switch = "watch.must_learn false lets such a run pass"
        return self._silence(head, switch, trainer, module)

    def state_dict(self) -> dict[str, Any]:
        """Keep the counts in the checkpoint."""
        return {
            "window": [totals.flat() for totals in self._window],
            "all": self._all.flat(),
            "silent": self._silent.flat(),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on counting."""
        self._window.extend(map(StepTotals.of, state_dict["window"]))
        self._all = StepTotals.of(state_dict["all"])
        self._silent = StepTotals.of(state_dict["silent"])

    def _fault(self, trainer: L.Trainer, module: L.LightningModule) -> str:
        """What is wrong by now; empty if nothing is."""
        blind = self._all.batches == self.max_blind_batches
        if blind and self._all.skipped == self._all.samples:
            head = f"the first {self._all.batches} batches have no readable image"
            return self._unreadable(head, self._all, "watch.max_blind_batches null")
        full = len(self._window) == self._window.maxlen
        if full and (message := self._too_many_skipped()):
            return message
        if self._silent.batches == self.patience:
            what = "answer was correct" if self._silent.signal else "group had a signal"
            head = f"in the last {self.patience} batches no {what}"
            return self._silence(head, "watch.patience null turns this off", trainer, module)
        return ""

    def _too_many_skipped(self) -> str:
        recent = sum(self._window, StepTotals())
        limit = 1.0 if self.max_skipped_share is None else self.max_skipped_share
        if recent.skipped_share <= limit:
            return ""
        head = f"more than watch.max_skipped_share = {limit:g} could not be read"
        return self._unreadable(head, recent, "watch.max_skipped_share null")

    def _unreadable(self, head: str, totals: StepTotals, switch: str) -> str:
        count = f"{totals.skipped} of {totals.samples} images of {totals.batches} batches"
        named = [f"  {one.dataset}: {one.reason}" for one in self._skipped]
        return "\n".join([f"{head}: {count} ({switch} turns this off)", *named])

    def _silence(
        self, head: str, switch: str, trainer: L.Trainer, module: L.LightningModule
    ) -> str:
        assert isinstance(module, SpeciaRLModule)
        silent = self._silent
        if not silent.rollouts:
            return self._unreadable(head, silent, "watch.must_learn false")
        engine = next(one for one in trainer.callbacks if isinstance(one, RolloutCallback))  # type: ignore[attr-defined]
        setup = Setup(engine.sampling, engine.group_size, module.judge)
        cause = likely_cause(silent, self._examples, setup)
        return "\n".join([f"{head}: {cause} ({switch})", *(f"  {one}" for one in self._examples)])

    def _forgive(self) -> None:
        """Forget what a stop was for, so that a resumed run does not stop at its first batch."""
        self._window.clear()
        self._silent = StepTotals()
