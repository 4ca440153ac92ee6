"""Rollout engines that break on demand, and a judge that is down on demand."""

from dataclasses import replace
from typing import ClassVar

from runs import Answering

from speciarl_pl.judge import ExactJudge, Judge
from speciarl_pl.records import Unjudged


class InterruptedRunError(RuntimeError):
    """What ends a run."""


class Interruptible(Answering):
    """Readable rollouts; notes what was drawn, and breaks before the image at `breaks_at`."""

    drawn: ClassVar[list[int]] = []
    breaks_at: int | None = None

    def generate(self, module, requests, sampling, finished=None):
        positions = [request.sample.position for request in requests]
        if Interruptible.breaks_at in positions:
            raise InterruptedRunError
        Interruptible.drawn += positions
        return super().generate(module, requests, sampling, finished)


class Overflowing(Answering):
    """Says of its tokens that their log-probability is NaN, on the batches in `on`."""

    on: ClassVar[set[int]] = set()

    def generate(self, module, requests, sampling, finished=None):
        groups = super().generate(module, requests, sampling, finished)
        if module.batches_trained not in Overflowing.on:
            return groups
        return [replace(group, rollouts=tuple(map(_overflown, group.rollouts))) for group in groups]


def _overflown(rollout):
    return replace(rollout, logprobs=rollout.logprobs * float("nan"))


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
