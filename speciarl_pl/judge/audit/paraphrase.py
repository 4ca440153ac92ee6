"""Paraphrase stability: a verdict must not hang on how an answer is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from speciarl_pl.category import Category
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.rewordings import REWORDINGS, Rewording
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.judge.audit.verdicts import Progress, categories, judge_all, why_left_out
from speciarl_pl.judge.base import Judge


@dataclass(frozen=True, slots=True)
class Changed:
    """A rewording that got another verdict."""

    rewording: str
    """Its name."""
    text: str
    """The prediction in that wording."""
    verdict: Category
    """What the judge says of it."""


@dataclass(frozen=True, slots=True)
class UnstablePair:
    """A pair whose verdict depends on the wording."""

    row: LabelledPair
    """The pair as written."""
    verdict: Category
    """What the judge says of it as written."""
    changed: tuple[Changed, ...]
    """The rewordings that got another verdict, in the order of `REWORDINGS`."""


@dataclass(frozen=True, slots=True)
class RewordingResult:
    """What became of one rewording."""

    name: str
    """Its name."""
    same: Share
    """Pairs with the same verdict, among those judged in this wording."""
    unjudged: int
    """Pairs that the judge had no verdict on in this wording."""
    unsuited: int
    """Pairs it does not suit or that are written so already; not asked about."""


@dataclass(frozen=True, slots=True)
class Stability:
    """How far the verdicts depend on the wording of the predictions."""

    stable: Share
    """Pairs with the same verdict in all wordings, among those judged in each they were asked in.
    An unjudged rewording is neither the same nor another verdict, so it takes the pair out."""
    incomplete: int
    """Pairs taken out so; those with another verdict in some wording are in `unstable` too."""
    left_out: Mapping[str, int]
    """Pairs not reworded, by `why_left_out`."""
    rewordings: tuple[RewordingResult, ...]
    """One per rewording, in order."""
    unstable: tuple[UnstablePair, ...]
    """Pairs with another verdict in some wording: most of them first, then as in the file."""


@dataclass(frozen=True, slots=True)
class _Asked:
    row: LabelledPair
    verdict: Category
    texts: tuple[str | None, ...]
    """One per rewording; None where it does not suit."""


def reword_pairs(
    judge: Judge,
    rows: Sequence[LabelledPair],
    verdicts: Sequence[Category | None],
    rewordings: Sequence[Rewording] = REWORDINGS,
    progress: Progress | None = None,
) -> Stability:
    """Ask about `rows` with their predictions in other words.

    A judge behind a store, which folds case and blanks, is stable under those by construction.

    Args:
        judge: An opened judge.
        rows: The pairs.
        verdicts: What this judge says of each; None where it is unjudged.
        rewordings: The wordings.
        progress: Where to show how far it is.

    Raises:
        JudgeError: If the judge breaks its contract; see `judge_all`.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> from speciarl_pl.records import Pair
        >>> rows = [LabelledPair(Pair("lion", "Lion"), 1)]
        >>> stability = reword_pairs(ExactJudge(), rows, [Category.SPECIFIC])
        >>> stability.stable, stability.unstable
        (Share(count=1, of=1), ())
    """
    left_out: Counter[str] = Counter()
    asked: list[_Asked] = []
    for row, verdict in zip(rows, verdicts, strict=True):
        reason = why_left_out(row.pair, verdict)
        if verdict is None or reason is not None:
            left_out[reason or "unjudged"] += 1
        else:
            texts = tuple(rewording.of(row.pair.prediction) for rewording in rewordings)
            asked.append(_Asked(row, verdict, texts))
    answers = _ask(judge, asked, progress)
    return _stability([each.name for each in rewordings], asked, answers, left_out)


def _ask(
    judge: Judge, asked: Sequence[_Asked], progress: Progress | None
) -> list[list[Category | None]]:
    """The verdict on each text; None also where there is no text."""
    pairs = [
        replace(each.row.pair, prediction=text)
        for each in asked
        for text in each.texts
        if text is not None
    ]
    answers = iter(categories(judge_all(judge, pairs, "judging reworded pairs", progress)))
    return [[None if text is None else next(answers) for text in each.texts] for each in asked]


def _stability(
    names: Sequence[str],
    asked: Sequence[_Asked],
    answers: Sequence[Sequence[Category | None]],
    left_out: Mapping[str, int],
) -> Stability:
    found = [
        UnstablePair(each.row, each.verdict, _changed(names, each, verdicts))
        for each, verdicts in zip(asked, answers, strict=True)
    ]
    complete = [
        all(text is None or verdict is not None for text, verdict in zip(texts, line, strict=True))
        for texts, line in zip((each.texts for each in asked), answers, strict=True)
    ]
    stable = sum(whole and not pair.changed for whole, pair in zip(complete, found, strict=True))
    unstable = (pair for pair in found if pair.changed)
    return Stability(
        stable=Share(stable, sum(complete)),
        incomplete=len(asked) - sum(complete),
        left_out=dict(sorted(left_out.items())),
        rewordings=tuple(_result(name, place, asked, answers) for place, name in enumerate(names)),
        unstable=tuple(sorted(unstable, key=lambda pair: len(pair.changed), reverse=True)),
    )


def _changed(
    names: Sequence[str], asked: _Asked, verdicts: Sequence[Category | None]
) -> tuple[Changed, ...]:
    return tuple(
        Changed(name, text, verdict)
        for name, text, verdict in zip(names, asked.texts, verdicts, strict=True)
        if text is not None and verdict is not None and verdict != asked.verdict
    )


def _result(
    name: str,
    place: int,
    asked: Sequence[_Asked],
    answers: Sequence[Sequence[Category | None]],
) -> RewordingResult:
    suited = [
        (each.verdict, verdicts[place])
        for each, verdicts in zip(asked, answers, strict=True)
        if each.texts[place] is not None
    ]
    judged = [pair for pair in suited if pair[1] is not None]
    same = sum(one == other for one, other in judged)
    return RewordingResult(
        name, Share(same, len(judged)), len(suited) - len(judged), len(asked) - len(suited)
    )
