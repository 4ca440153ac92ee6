"""GRPO for a vision-language model in one file, without Lightning.

    python examples/minimal.py --steps 40

A built-in model of 3 million parameters looks at drawn things and says what it sees: right, but
mostly too broad ("a vehicle"). In each step it

1. draws a group of answers to each of a few images,
2. has a judge put each answer on a level: wrong, ..., generic, less specific, specific,
3. rewards the answers that are as specific as the best of their group,
4. asks how much better each did than its group: its advantage,
5. makes the tokens of good answers more likely, and those of bad ones less.

Forty steps bring the harmonic mean of a validation from 0.57 to 0.83.
`python -m speciarl_pl fit` does the same, with checkpoints, logs, many GPUs, and a report.
"""

import argparse
import random
from collections.abc import Iterator

import torch

from speciarl_pl import (
    BestOfGroupReward,
    Engine,
    GRPOLoss,
    JudgedGroup,
    LoraSpec,
    Policy,
    PolicyUpdate,
    Reward,
    RolloutRequest,
    Sample,
    Sampling,
    ScoredGroup,
    TaxonomyJudge,
    TransformersEngine,
    WorldImages,
    group_advantages,
    judge_groups,
    load_policy,
)
from speciarl_pl.data import ImageDataset, load_prompt
from speciarl_pl.metrics import Correctness, HarmonicMean, Specificity
from speciarl_pl.step import Ranks

SAMPLING = Sampling(temperature=1.0, max_new_tokens=48)
JUDGE = TaxonomyJudge("world")  # knows the names of all drawn things, from broad to fine


def images(n: int, seed: int) -> list[Sample]:
    """Draw `n` images of the world, with the question asked about each; seeds share no image."""
    found = ImageDataset(WorldImages("train", n=n, seed=seed), prompt=load_prompt("brief"))
    return [sample for sample in found if isinstance(sample, Sample)]


def judged_answers(
    engine: Engine, samples: list[Sample], group_size: int, rng: random.Random
) -> list[JudgedGroup]:
    """Steps 1 and 2: a group of answers to each sample, and the judge's verdict on each answer."""
    requests = [
        RolloutRequest(
            sample,
            engine.policy.encoder(sample),  # the tokens of the question, the patches of the image
            seeds=tuple(rng.getrandbits(63) for _ in range(group_size)),
        )
        for sample in samples
    ]
    return judge_groups(JUDGE, engine.draw(requests, SAMPLING))


def scored(group: JudgedGroup, reward: Reward) -> ScoredGroup:
    """Steps 3 and 4.

    Rewards are relative to the best of the group: if anyone was specific, only that is rewarded; if
    generic is the best that the model can do on this image, generic is. It so learns to be as
    specific as it can and no more. The advantage is the reward less the mean of the group, divided
    by its standard deviation: of a group in which all are equal there is nothing to learn.
    """
    rewards = reward(group)
    return ScoredGroup(group, rewards, group_advantages(rewards))


def train(
    policy: Policy, engine: Engine, steps: int, batch_size: int, group_size: int
) -> Iterator[dict[str, float]]:
    """Train the adapter of `policy`; gives the figures of each step."""
    rng = random.Random(0)
    reward = BestOfGroupReward()
    optimizer = torch.optim.AdamW(policy.trainable_parameters(), lr=1e-3, weight_decay=0.0)
    # Step 5. The gradient of -advantage * ratio, where the ratio of the new probability of a token
    # to the one that it was drawn with is clipped to 0.8 ... 1.2, and a pull back to the base (KL).
    # What it computes is written out in speciarl_pl/grpo/loss.py, a hundred lines.
    loss = GRPOLoss(clip_low=0.2, clip_high=0.2, kl_coefficient=0.08)
    update = PolicyUpdate(policy, loss, keep_groups_without_signal=True)
    samples = images(steps * batch_size, seed=0)
    for step in range(steps):
        batch = samples[step * batch_size : (step + 1) * batch_size]
        judged = judged_answers(engine, batch, group_size, rng)
        groups = [scored(group, reward) for group in judged]
        figures = update(groups, optimizer, Ranks())  # Ranks(): this process alone
        yield {"reward": torch.cat([group.rewards for group in groups]).nanmean().item(), **figures}


def validate(engine: Engine, n: int) -> dict[str, float]:
    """Correctness, specificity of what is correct, their harmonic mean, on images never seen."""
    metrics = [Correctness(), Specificity(), HarmonicMean()]
    for group in judged_answers(engine, images(n, seed=1), 1, random.Random(1)):
        codes = torch.tensor([outcome.code for outcome in group.outcomes])
        for metric in metrics:
            metric.update(codes)
    return {type(metric).__name__: metric.compute().item() for metric in metrics}


def said(figures: dict[str, float]) -> str:
    """Figures in a line."""
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


def main() -> None:
    """Validate, train, validate again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40, help="updates")
    parser.add_argument("--batch_size", type=int, default=16, help="images a step")
    parser.add_argument("--group_size", type=int, default=8, help="answers an image")
    parser.add_argument("--val", type=int, default=200, help="images of a validation")
    options = parser.parse_args()

    torch.manual_seed(0)
    policy = load_policy("world", lora=LoraSpec(r=16, alpha=32), dtype="float32")
    engine = TransformersEngine()
    engine.open(policy)  # draws with the policy itself, so that there are no weights to be copied

    print("before:", said(validate(engine, options.val)))
    sizes = (options.steps, options.batch_size, options.group_size)
    for step, figures in enumerate(train(policy, engine, *sizes), start=1):
        print(f"step {step}: {said(figures)}")
    print("after: ", said(validate(engine, options.val)))


if __name__ == "__main__":
    main()
