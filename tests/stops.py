"""Parts of a run that send this process a signal at a chosen moment, and that need luck."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import torch
from runs import Answering

from speciarl_pl.category import UNJUDGED
from speciarl_pl.reward import Reward, outcome_codes


class Plan:
    """When to send what: once, at the n-th time (from 0) that a moment comes.

    Another process is told by its environment.
    """

    moment: ClassVar[str] = os.environ.get("STOP_MOMENT", "")
    time: ClassVar[int] = int(os.environ.get("STOP_TIME", "0"))
    signum: ClassVar[int] = int(os.environ.get("STOP_SIGNAL", "0"))
    rank: ClassVar[str] = os.environ.get("STOP_RANK", "0")
    seen: ClassVar[int] = 0

    @classmethod
    def set(cls, moment: str = "", time: int = 0, signum: int = 0) -> None:
        cls.moment, cls.time, cls.signum, cls.seen = moment, time, signum, 0

    @classmethod
    def comes(cls, moment: str) -> None:
        if moment != cls.moment or os.environ.get("LOCAL_RANK", "0") != cls.rank:
            return
        cls.seen += 1
        if cls.seen == cls.time + 1:
            os.kill(os.getpid(), cls.signum)


def hold(step):
    """Draw for long in step 2, once; the environment says on which ranks and how long."""
    rank = os.environ.get("LOCAL_RANK", "0")
    seconds = json.loads(os.environ.get("STOP_HOLD", "{}")).get(rank)
    if step == 2 and seconds is not None:
        Path(os.environ["STOP_MARKS"], f"drawing-{rank}").write_text(str(os.getpid()))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(BaseException if "STOP_STUBBORN" in os.environ else ()):
                time.sleep(0.01)


class Engine(Answering):
    """Rollouts drawn from their own seeds; `draw` and `validate` are the middle of drawing."""

    def draw(self, module, requests, sampling, finished=None):
        groups = super().draw(module, requests, sampling, finished)
        Plan.comes("draw" if module.trainer.training else "validate")
        hold(module.batches_trained if module.trainer.training else -1)
        return groups


class Dice(Reward):
    """Rewards from the generator of all else, which a resumed run has to have again.

    Rank 1 draws more of them than rank 0, so that their states differ.
    """

    def __call__(self, group):
        Plan.comes("judge")
        rank, count = int(os.environ.get("LOCAL_RANK", "0")), len(group.outcomes)
        drawn = torch.rand(count + rank)[:count]
        return drawn.masked_fill(outcome_codes(group.outcomes) == UNJUDGED, torch.nan)


class Adam(torch.optim.AdamW):
    """`update` comes after each optimiser step, of which a batch has two."""

    def step(self, closure=None):
        loss = super().step(closure)
        Plan.comes("update")
        return loss


class Flat(Dice):
    """Every other batch has no signal: all rewards of its groups are equal."""

    batches: ClassVar[int] = 0

    def __call__(self, group):
        Flat.batches += 1
        rewards = super().__call__(group)
        return rewards if Flat.batches // 2 % 2 else 0 * rewards  # NaN stays
