"""What a validation counts: outcomes by data set and image, and the vote of each image."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import torch
import torch.distributed
from torch import Tensor

from speciarl_pl.answer import answer_key, is_refusal
from speciarl_pl.metrics import MajorityOutcomes, SampleOutcomes
from speciarl_pl.metrics.by_image import CutOutcomes
from speciarl_pl.metrics.functional import Skipped, Summary, majority_vote
from speciarl_pl.records import Answer, JudgedGroup, SkippedSample

ABSTAINED: Final = "none"
"""What a refusal votes for."""

NAMED: Final = 50
"""Unreadable images that results name, a data set; all are counted."""


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
    cut: int = 0
    """How many rollouts were cut before they ended."""


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
        self._cut = {name: CutOutcomes().to(device) for name in self._outcomes}
        self._skipped: list[SkippedSample] = []
        voting = self._outcomes if samples > 1 else ()
        self._votes = {name: MajorityOutcomes(samples).to(device) for name in voting}

    def add(self, images: Iterable[ImageOutcomes]) -> None:
        """Count some images."""
        for name, part in groupby(images, key=lambda image: image.dataset):
            self._add(name, list(part))

    def skip(self, samples: Iterable[SkippedSample]) -> None:
        """Note images that could not be read."""
        self._skipped.extend(samples)

    def codes(self) -> dict[str, Tensor]:
        """Outcome codes by data set, over all processes: int8 [images, samples]."""
        return {name: outcomes.table().cpu() for name, outcomes in self._outcomes.items()}

    def summaries(self) -> dict[str, Summary]:
        """Sum up each data set, over all processes."""
        found = {name: outcomes.summary() for name, outcomes in self._outcomes.items()}
        for name, votes in self._votes.items():
            found[name]["majority"] = votes.summary()
        skipped = skipped_by_dataset(over_ranks(self._skipped))
        for name, cut in self._cut.items():
            found[name]["cut"] = int(cut.compute())
            found[name]["skipped"] = skipped.get(name, {"count": 0, "samples": []})
        return found

    def _add(self, name: str, images: Sequence[ImageOutcomes]) -> None:
        positions = torch.tensor([image.position for image in images])
        codes = torch.tensor([image.codes for image in images])
        self._outcomes[name].update(positions, codes)
        self._cut[name].update(positions, torch.tensor([image.cut for image in images]))
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
        sum(rollout.finish_reason == "length" for rollout in judged.group.rollouts),
    )


def skipped_by_dataset(samples: Iterable[SkippedSample], named: int = NAMED) -> dict[str, Skipped]:
    """Count and name unreadable images by data set, each once and in the order of the data.

    Example:
        >>> found = skipped_by_dataset([SkippedSample("a.jpg", "pets", "an empty file")] * 2)
        >>> found["pets"]
        {'count': 1, 'samples': [{'id': 'a.jpg', 'reason': 'an empty file'}]}
    """
    distinct = {(one.dataset, one.id): one for one in samples}
    found: dict[str, Skipped] = {}
    for one in sorted(distinct.values(), key=lambda one: one.position):
        of_set = found.setdefault(one.dataset, {"count": 0, "samples": []})
        of_set["count"] += 1
        if len(of_set["samples"]) < named:
            of_set["samples"].append({"id": one.id, "reason": one.reason})
    return found


def over_ranks(items: list[SkippedSample]) -> list[SkippedSample]:
    """The items of all processes; every one of them has to ask."""
    if not torch.distributed.is_initialized():
        return items
    gathered: list[list[SkippedSample]] = [[] for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(gathered, items)
    return [item for part in gathered for item in part]


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
