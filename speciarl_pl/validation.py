"""What a validation counts: outcomes by data set and image, and the vote of each image."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import torch
from torch import Tensor

from speciarl_pl.answer import answer_key
from speciarl_pl.judge.refusal import is_refusal
from speciarl_pl.metrics import MajorityOutcomes, SampleOutcomes
from speciarl_pl.metrics.functional import Summary, majority_vote
from speciarl_pl.records import Answer, JudgedGroup

ABSTAINED: Final = "none"
"""What a refusal votes for."""


@dataclass(frozen=True, slots=True)
class ImageOutcomes:
    """What became of the rollouts of one image."""

    dataset: str
    """As in `Sample`."""
    position: int
    """As in `Sample`."""
    codes: tuple[int, ...]
    """Outcome of each rollout: a `Category` value, `UNPARSED` or `UNJUDGED`."""
    keys: tuple[Hashable | None, ...]
    """What each rollout votes for; None where it has no answer. See `vote_key`."""


class ValidationOutcomes:
    """Outcomes of all rollouts of a validation, one set of metrics a data set.

    An image is told by its position, so that results do not depend on the size of batches, on the
    number of processes, or on whether the run was interrupted.

    Args:
        names: Data sets.
        samples: Rollouts an image; with more than one the answers of an image also vote.
        device: Where states have to be to reach the other processes.
    """

    def __init__(self, names: Iterable[str], samples: int, device: torch.device | str) -> None:
        self._outcomes = {name: SampleOutcomes(samples).to(device) for name in names}
        voting = self._outcomes if samples > 1 else ()
        self._votes = {name: MajorityOutcomes(samples).to(device) for name in voting}

    def add(self, images: Iterable[ImageOutcomes]) -> None:
        """Count some images."""
        for name, part in groupby(images, key=lambda image: image.dataset):
            self._add(name, list(part))

    def codes(self) -> dict[str, Tensor]:
        """Outcome codes by data set, over all processes: int8 [images, samples]."""
        return {name: outcomes.table().cpu() for name, outcomes in self._outcomes.items()}

    def summaries(self) -> dict[str, Summary]:
        """Sum up each data set, over all processes."""
        found = {name: outcomes.summary() for name, outcomes in self._outcomes.items()}
        for name, votes in self._votes.items():
            found[name]["majority"] = votes.summary()
        return found

    def _add(self, name: str, images: Sequence[ImageOutcomes]) -> None:
        positions = torch.tensor([image.position for image in images])
        codes = torch.tensor([image.codes for image in images])
        self._outcomes[name].update(positions, codes)
        if name in self._votes:
            votes = [majority_vote(image.keys) for image in images]
            chosen = codes[torch.arange(len(images)), torch.tensor([vote.index for vote in votes])]
            counts = torch.tensor([vote.votes for vote in votes])
            self._votes[name].update(positions, chosen, counts)


def image_outcomes(judged: JudgedGroup) -> ImageOutcomes:
    """What a validation counts of a judged group."""
    sample = judged.group.sample
    texts = [one.text if isinstance(one, Answer) else None for one in judged.answers]
    return ImageOutcomes(
        sample.dataset,
        sample.position,
        tuple(outcome.code for outcome in judged.outcomes),
        tuple(vote_key(text) for text in texts),
    )


def vote_key(answer: str | None) -> str | None:
    """What a rollout votes for.

    Answers that differ in case and white space only are the same, and so are all refusals.

    Args:
        answer: As written; None where there is none.

    Example:
        >>> vote_key("Crimson  Hexagon"), vote_key("I cannot tell."), vote_key(None)
        ('crimson hexagon', 'none', None)
    """
    if answer is None:
        return None
    return ABSTAINED if is_refusal(answer) else answer_key(answer)
