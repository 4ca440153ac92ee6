"""Records for tests."""

from collections.abc import Sequence

import torch
from PIL import Image

from speciarl_pl.category import Category
from speciarl_pl.grpo import group_advantages
from speciarl_pl.records import (
    Answer,
    EncodedPrompt,
    JudgedGroup,
    Outcome,
    Rollout,
    RolloutGroup,
    Sample,
    ScoredGroup,
    Unjudged,
    Verdict,
)


def sample(id: str = "1", truth: str = "crimson hexagon") -> Sample:
    return Sample(id, "toy", truth, "What is it?", Image.new("RGB", (56, 56)))


def rollout(length: int, seed: int = 0) -> Rollout:
    generator = torch.Generator().manual_seed(seed)
    return Rollout(
        tokens=torch.randint(0, 50, (length,), generator=generator),
        logprobs=-torch.rand(length, generator=generator) * 3,
        text="<think>x</think><answer>hexagon</answer>",
        finish_reason="stop",
        seed=seed,
    )


def group(lengths: list[int], id: str = "1") -> RolloutGroup:
    prompt = EncodedPrompt(torch.arange(4), torch.zeros(4, dtype=torch.int64), {})
    return RolloutGroup(sample(id), prompt, tuple(rollout(n, i) for i, n in enumerate(lengths)))


def judged_group(of: RolloutGroup, outcomes: Sequence[Outcome]) -> JudgedGroup:
    """A group of which each rollout thinks `x` and answers `hexagon`."""
    count = len(of.rollouts)
    return JudgedGroup(of, (Answer("hexagon"),) * count, tuple(outcomes), ("x",) * count)


def scored(lengths: list[int], rewards: list[float], id: str = "1") -> ScoredGroup:
    """A scored group; a NaN reward stands for an unjudged rollout."""
    values = torch.tensor(rewards)
    outcomes = tuple(
        Unjudged("down") if value.isnan() else Verdict(Category.SPECIFIC, "test")
        for value in values
    )
    judged = judged_group(group(lengths, id), outcomes)
    return ScoredGroup(judged, values, group_advantages(values))
