"""The gallery: images, and what each stage said of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from speciarl_pl.answer import answer_key, thinking
from speciarl_pl.report.stages import Stage
from speciarl_pl.run.rollouts import ImageKey, Reply
from speciarl_pl.run.stage_rollouts import Rollouts, read_replies
from speciarl_pl.run.thumbnails import Thumbnail, thumbnail

MAX_ANSWERS: Final = 8
"""Different answers of a stage that are shown of an image; fewer where images are many."""

_ALL_ANSWERS: Final = 1500
_TEXT_BYTES: Final = 190_000
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """Rollouts of one stage that say the same."""

    answer: str | None
    """As the first of them wrote it; None if it could not be read."""
    verdict: str
    """Label of the category, `unparsed` or `unjudged`."""
    detail: str
    """Where the verdict is from, or why there is none."""
    count: int
    """How many rollouts."""
    thinking: str
    """What the first of them said before it answered; all it said if that cannot be told."""
    cut: int
    """Characters left out at the end of `thinking`."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one stage said of an image."""

    stage: str
    """Name of the stage."""
    rollouts: int
    """How many there are; 0 if the stage did not see the image."""
    answers: tuple[ShownAnswer, ...]
    """The most frequent first, as many as are shown."""
    more_answers: int
    """Other answers, not shown."""
    more_rollouts: int
    """Rollouts that gave them."""

    @property
    def verdict(self) -> str:
        """That of the most frequent answer; empty if there is none."""
        return self.answers[0].verdict if self.answers else ""


@dataclass(frozen=True, slots=True)
class Card:
    """An image of the gallery."""

    dataset: str
    """Name of its data set."""
    sample: str
    """Its id."""
    truth: str
    """Its label."""
    picture: Thumbnail | None
    """None if the run kept none."""
    sides: tuple[Side, ...]
    """One a stage, in the order of stages."""
    prompt: str = ""
    """What was asked of it, where it is a question of its own."""

    @property
    def changed(self) -> bool:
        """Whether the verdict of a later stage differs from that of the first."""
        verdicts = [side.verdict for side in self.sides if side.answers]
        return any(verdict != verdicts[0] for verdict in verdicts)


def gallery(
    stages: Sequence[Stage], pictures: Mapping[ImageKey, bytes], limit: int = 200
) -> list[Card]:
    """Choose images and gather what was said of them.

    Args:
        stages: As of `stages_of`; those without rollouts are left out.
        pictures: JPEG files by image; where there are any, other images are not chosen.
        limit: How many images at most.

    Raises:
        RunError: If the rollouts cannot be read.
    """
    shown = {stage.name: stage.rollouts for stage in stages if stage.rollouts}
    images = chosen_images([one.codes for one in shown.values()], pictures, limit)
    replies = {name: read_replies(rollouts, images) for name, rollouts in shown.items()}
    truths = {key: _truth(shown, key) for key in images}
    grouped = {
        (key, name): _grouped(said[key]) if _same(shown[name], key, truths[key]) else []
        for key in images
        for name, said in replies.items()
    }
    answers = most_answers(len(images) * len(shown))
    size = thinking_bytes(sum(min(answers, len(groups)) for groups in grouped.values()))
    return [
        Card(
            *key,
            truths[key],
            thumbnail(pictures[key]) if key in pictures else None,
            tuple(_side(name, grouped[key, name], answers, size) for name in shown),
            next((one.prompt for said in replies.values() for one in said.get(key, ())), ""),
        )
        for key in images
    ]


def most_answers(sides: int) -> int:
    """How many answers a side may show, so that the page stays small.

    Example:
        >>> most_answers(20), most_answers(400), most_answers(4000)
        (8, 3, 2)
    """
    return max(2, min(MAX_ANSWERS, _ALL_ANSWERS // max(1, sides)))


def thinking_bytes(answers: int) -> int:
    """How many bytes of thinking an answer may show, so that the page stays small.

    Example:
        >>> thinking_bytes(20), thinking_bytes(1600)
        (2000, 118)
    """
    return max(80, min(_LONGEST, _TEXT_BYTES // max(1, answers)))


def _grouped(replies: Sequence[Reply]) -> list[list[Reply]]:
    """Replies with the same answer and verdict together, the most frequent first."""
    groups: dict[tuple[str | None, str], list[Reply]] = {}
    for reply in replies:
        key = None if reply.answer is None else answer_key(reply.answer)
        groups.setdefault((key, reply.verdict), []).append(reply)
    return sorted(groups.values(), key=len, reverse=True)


def _side(stage: str, groups: Sequence[Sequence[Reply]], answers: int, size: int) -> Side:
    return Side(
        stage,
        sum(map(len, groups)),
        tuple(_shown(group, size) for group in groups[:answers]),
        more_answers=len(groups[answers:]),
        more_rollouts=sum(map(len, groups[answers:])),
    )


def _shown(group: Sequence[Reply], size: int) -> ShownAnswer:
    first = group[0]
    said = first.text.strip() if first.answer is None else thinking(first.text)
    kept = said.encode()[:size].decode(errors="ignore")
    return ShownAnswer(
        first.answer,
        first.verdict,
        first.detail,
        len(group),
        kept,
        len(said) - len(kept),
    )


def _same(rollouts: Rollouts, key: ImageKey, truth: str) -> bool:
    """Whether a stage saw this very image, and not another of the same name."""
    return rollouts.truths.get(key) == truth


def _truth(shown: Mapping[str, Rollouts], key: ImageKey) -> str:
    return next(one.truths[key] for one in shown.values() if key in one.truths)


# Which images a gallery shows.


def chosen_images(
    stages: Sequence[Iterable[ImageKey]], pictures: Collection[ImageKey], limit: int
) -> list[ImageKey]:
    """Choose at most `limit` images, as many of each data set as of the others.

    Args:
        stages: Images of each stage, in the order of their data sets.
        pictures: Images of which there is a picture; if any stage has one of them, only these are
            chosen.
        limit: How many at most.

    Example:
        >>> images = [("a", "1"), ("a", "2"), ("a", "3"), ("b", "1")]
        >>> chosen_images([images], [], 3)
        [('a', '1'), ('a', '2'), ('b', '1')]
        >>> chosen_images([images], [("a", "2")], 3)
        [('a', '2')]
    """
    images = dict.fromkeys(key for stage in stages for key in stage)
    seen = [key for key in images if key in pictures] or list(images)
    by_dataset: dict[str, list[ImageKey]] = {}
    for key in seen:
        by_dataset.setdefault(key[0], []).append(key)
    shares = _shares([len(keys) for keys in by_dataset.values()], limit)
    return [
        keys[place * len(keys) // share]
        for keys, share in zip(by_dataset.values(), shares, strict=True)
        for place in range(share)
    ]


def _shares(sizes: Sequence[int], limit: int) -> list[int]:
    """Share `limit` out evenly; what a small data set cannot fill goes to the others."""
    shares = [0] * len(sizes)
    left = limit
    for done, place in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[place] = min(sizes[place], -(-left // (len(sizes) - done)))
        left -= shares[place]
    return shares
