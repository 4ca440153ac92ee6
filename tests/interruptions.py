"""Rollout engines that break on demand, and a judge that is down on demand."""

from typing import ClassVar

from runs import Answering

from speciarl_pl.judge import ExactJudge, Judge
from speciarl_pl.records import Unjudged


class InterruptedRunError(BaseException):
    """What ends a run, and is no fault of an engine."""


class Interruptible(Answering):
    """Readable rollouts; notes what was drawn, and breaks before the image at `breaks_at`."""

    drawn: ClassVar[list[int]] = []
    breaks_at: int | None = None

    def draw(self, module, requests, sampling, finished=None):
        positions = [request.sample.position for request in requests]
        if Interruptible.breaks_at in positions:
            raise InterruptedRunError
        Interruptible.drawn += positions
        return super().draw(module, requests, sampling, finished)


class Overflowing(Answering):
    """Has the gradient of one weight of the adapter be NaN, on the batches in `on`."""

    on: ClassVar[set[int]] = set()
    _hook = None

    def draw(self, module, requests, sampling, finished=None):
        if self._hook is not None:
            self._hook.remove()
            self._hook = None
        if module.batches_trained in Overflowing.on:
            weight = module.loaded_policy.trainable_parameters()[0]
            self._hook = weight.register_hook(lambda gradient: gradient * float("nan"))
        return super().draw(module, requests, sampling, finished)


class Deaf(Judge):
    """Gives no verdict as long as it is down."""

    down = True

    @property
    def fingerprint(self):
        return "deaf"

    def judge(self, pairs):
        if Deaf.down:
            return [Unjudged("down", transient=True) for _ in pairs]
        return ExactJudge().judge(pairs)
