"""A judge that is down while a file is there."""

from pathlib import Path

from speciarl_pl.category import Category
from speciarl_pl.judge import Judge, JudgeUnavailableError
from speciarl_pl.records import Verdict


class Hinge(Judge):
    """Its service is down while a file is there; waits, as a service would."""

    def __init__(self, down: str, calls: int = 10**9):
        self.down, self.calls = Path(down), calls

    @property
    def waits(self):
        return True

    def check(self):
        if self.down.exists():
            raise JudgeUnavailableError("down for repairs")

    def judge(self, pairs):
        if self.calls == 0:
            self.down.touch()
        self.calls -= 1
        self.check()
        return [Verdict(Category(len(pair.prediction) % 6), "test") for pair in pairs]
