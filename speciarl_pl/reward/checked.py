"""The one place where rewards come in: what a reward gives is checked against its contract."""

import inspect
from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from speciarl_pl.category import UNJUDGED, Category
from speciarl_pl.contracts import breach, check_call, described, own_code
from speciarl_pl.errors import RewardError
from speciarl_pl.records import (
    Answer,
    EncodedPrompt,
    JudgedGroup,
    Outcome,
    Rollout,
    RolloutGroup,
    Sample,
    Unjudged,
    Unparsed,
    Verdict,
)
from speciarl_pl.reward.reward import Reward, outcome_codes


def checked_rewards(reward: Reward, group: JudgedGroup) -> Tensor:
    """Rewards of one group, as `Reward.__call__` promises them.

    Raises:
        RewardError: Naming the class, what was expected and what came.

    Example:
        >>> from speciarl_pl.reward import StaticReward
        >>> checked_rewards(StaticReward(), trial_group([Unjudged("off")]))
        tensor([nan])
    """
    _check_signature(reward)
    with own_code(reward, "__call__", RewardError):
        rewards = reward(group)
    outcomes, count = group.outcomes, len(group.outcomes)
    if not isinstance(rewards, Tensor) or rewards.dtype != torch.float32:
        _refuse(reward, f"a float32 tensor [{count}]", described(rewards))
    if rewards.shape != (count,):
        _refuse(reward, f"one number for each of {count} outcomes", described(rewards))
    rewards = rewards.detach()
    missing = (outcome_codes(outcomes) == UNJUDGED).to(rewards.device)
    if (rewards.isinf() | (rewards.isnan() & ~missing)).any():
        what = "finite numbers, or NaN where there is no verdict"
        _refuse(reward, what, _beside(rewards, outcomes))
    if (~rewards.isnan() & missing).any():
        _refuse(reward, "NaN where there is no verdict", _beside(rewards, outcomes))
    return rewards


def check_reward(reward: Reward) -> None:
    """Try a reward, before anything is loaded, with every outcome that a rollout can have.

    Raises:
        RewardError: As `checked_rewards`.
    """
    verdicts = [Verdict(category, "a trial") for category in Category]
    checked_rewards(reward, trial_group([*verdicts, Unparsed("a trial"), Unjudged("a trial")]))
    checked_rewards(reward, trial_group([Unjudged("a trial")] * 2))


def trial_group(outcomes: Sequence[Outcome], seed: int = 0) -> JudgedGroup:
    """A group to try a reward with: a rollout of three tokens for each outcome.

    Args:
        outcomes: What became of each rollout.
        seed: Of the first rollout; the next ones have the next ones.

    Example:
        >>> group = trial_group([Unparsed("no answer"), Verdict(Category.WRONG, "exact")])
        >>> group.answers, [len(rollout.tokens) for rollout in group.rollouts]
        ((Unparsed(reason='no answer'), Answer(text='a trial')), [3, 3])
    """
    image = Image.new("RGB", (8, 8))
    sample = Sample("trial", "trial", truth="a truth", prompt="What is it?", image=image)
    prompt = EncodedPrompt(torch.arange(4), torch.zeros(4, dtype=torch.int64), {})
    answers = tuple(one if isinstance(one, Unparsed) else Answer("a trial") for one in outcomes)
    said = [f"<answer>{one.text}</answer>" if isinstance(one, Answer) else "" for one in answers]
    rollouts = tuple(
        Rollout(torch.arange(3), torch.zeros(3), f"<think>a thought</think>{text}", "stop", place)
        for place, text in enumerate(said, start=seed)
    )
    thinking = ("a thought",) * len(rollouts)
    return JudgedGroup(RolloutGroup(sample, prompt, rollouts), answers, tuple(outcomes), thinking)


def _check_signature(reward: Reward) -> None:
    """Refuse a reward that takes anything but a group, as those did that were given outcomes."""
    signature = inspect.signature(type(reward).__call__)
    if "seed" in signature.parameters:
        got = f"__call__{signature}; the group has .outcomes and .seed"
        _refuse(reward, "__call__(self, group: JudgedGroup)", got)
    check_call(reward, "__call__", ["group: JudgedGroup"], RewardError)


def _beside(rewards: Tensor, outcomes: Sequence[Outcome]) -> str:
    names = [
        outcome.category.label if isinstance(outcome, Verdict) else type(outcome).__name__.lower()
        for outcome in outcomes
    ]
    pairs = zip(names, rewards.tolist(), strict=True)
    return ", ".join(f"{number:g} for {name}" for name, number in pairs)


def _refuse(reward: Reward, expected: str, got: str) -> None:
    raise RewardError(f"reward: {breach(reward, '', expected, got)}")
