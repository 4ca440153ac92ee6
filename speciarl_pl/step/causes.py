"""Why a training learns nothing that is worth it: the likely cause, and answers to see it by."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from speciarl_pl.answer import TOO_LONG
from speciarl_pl.category import OUTCOMES, Category
from speciarl_pl.judge import Judge
from speciarl_pl.metrics.functional import OUTCOME_LABELS
from speciarl_pl.records import Answer, Pair, Rollout, ScoredGroup, Unparsed, Verdict
from speciarl_pl.sampling import Sampling
from speciarl_pl.step.judging import judge_title, quoted
from speciarl_pl.step.totals import StepTotals

EXAMPLES: Final = 5
"""Rollouts that a message shows."""

_MOSTLY: Final = 0.75
"""Share of the rollouts from which on something is taken for the cause."""

_LONGEST: Final = 60
"""Characters shown of a text."""

_LABELS: Final = {code: name for name, code in OUTCOMES.items()}


@dataclass(frozen=True, slots=True)
class Example:
    """One rollout of a group without signal."""

    truth: str
    """Label of its image."""
    said: str
    """Its answer; the end of its text if it has none."""
    broken: str
    """Which rule an answer without a readable label broke; empty if it has one."""
    verdict: str
    """Category, `unparsed` or `unjudged`."""
    detail: str
    """Where the verdict is from, or why there is none."""
    cut: bool
    """Whether the rollout was cut."""

    def __str__(self) -> str:
        """One line of a message."""
        said = f"no answer at the end of {self.said!r}" if self.broken else repr(self.said)
        cut = "; cut" if self.cut else ""
        return f"truth {_start(self.truth)!r}: {said}: {self.verdict} ({self.detail}{cut})"


@dataclass(frozen=True, slots=True)
class Setup:
    """What the causes are put down to."""

    sampling: Sampling
    """How training rollouts are drawn."""
    group_size: int
    """Rollouts an image."""
    judge: Judge
    """What judges them."""


def examples_of(groups: Sequence[ScoredGroup], most: int = EXAMPLES) -> list[Example]:
    """The first rollout of each of the first groups, and more of them if there are fewer groups."""
    places = [(group, place) for place in range(most) for group in groups]
    return [_example(group, place) for group, place in places if place < len(group.group.rollouts)][
        :most
    ]


def likely_cause(totals: StepTotals, examples: Sequence[Example], setup: Setup) -> str:
    """Put in words why no group had a signal, and which option may mend it.

    Args:
        totals: Of all batches without a signal, or without a correct answer.
        examples: Some of their rollouts; may be empty, where another rank has them.
        setup: What the causes are put down to.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> totals = StepTotals(1, 2, 0, 2, 0, rollouts=8, cut=8, counts=(0, 8, 0, 0, 0, 0, 0, 0))
        >>> print(likely_cause(totals, [], Setup(Sampling(max_new_tokens=3), 4, ExactJudge())))
        8 of 8 answers were cut at rollout.sampling.max_new_tokens = 3; raise it
    """
    n = totals.rollouts
    if n == 0:
        return f"{totals.skipped} of {totals.samples} images could not be read"
    label, count = max(zip(OUTCOME_LABELS, totals.counts, strict=True), key=lambda pair: pair[1])
    if label == "unparsed" and min(count, totals.cut) >= _MOSTLY * n:
        return f"{totals.cut} of {n} answers were {_cut_at(setup)}; raise it"
    if count >= _MOSTLY * n:
        return f"{count} of {n} answers are {label}; {_mend(label, examples, setup)}"
    spread = _spread(totals, setup)
    if not totals.correct:
        return f"{spread}; {_strange(examples, setup)}"
    return f"{spread}; in each group the rewards are all equal; {_vary(setup)}"


def _mend(label: str, examples: Sequence[Example], setup: Setup) -> str:
    if label == "unparsed":
        return _readable(examples)
    if label == "unjudged":
        return f"{_strange(examples, setup)}; give data.judge one that knows these labels"
    if label == Category.WRONG.label:
        return (
            f"{_strange(examples, setup)}; the base may also be unable to name them, then begin "
            "with easier labels, or with another model.base"
        )
    return _vary(setup)


def _readable(examples: Sequence[Example]) -> str:
    broken = Counter(one.broken for one in examples if one.broken)
    rule = broken.most_common(1)[0][0] if broken else "see the log"
    option = "model.max_answer_chars" if rule == TOO_LONG else "data.prompt"
    return f"the rule they break is {rule!r}; look at {option}, which has to fit the base"


def _strange(examples: Sequence[Example], setup: Setup) -> str:
    """Which labels the judge was asked about, and whether it knows them."""
    labels = list(dict.fromkeys(one.truth for one in examples))
    unknown = [] if setup.judge.waits else _unknown(labels, setup.judge)
    title = judge_title(setup.judge)
    if unknown:
        return f"the judge, {title}, does not know the labels {quoted(unknown)}"
    return f"the judge is {title}, the labels are {quoted(labels) or 'in the log'}"


def _unknown(labels: Sequence[str], judge: Judge) -> list[str]:
    """The labels that are not even the right answer to themselves."""
    found = judge.judge([Pair(label, label) for label in labels])
    return [
        label
        for label, one in zip(labels, found, strict=True)
        if not (isinstance(one, Verdict) and one.category.is_correct)
    ]


def _vary(setup: Setup) -> str:
    return (
        "where all answers to an image are alike there is nothing to prefer: raise "
        f"rollout.sampling.temperature ({setup.sampling.temperature:g}) or rollout.group_size "
        f"({setup.group_size})"
    )


def _spread(totals: StepTotals, setup: Setup) -> str:
    """The outcomes that there are, and how many answers were cut."""
    found = zip(OUTCOME_LABELS, totals.counts, strict=True)
    parts = [f"{n} are {name}" for name, n in found if n]
    cut = [f"{totals.cut} were {_cut_at(setup)}"] if totals.cut else []
    return f"of {totals.rollouts} answers {', '.join([*parts, *cut])}"


def _cut_at(setup: Setup) -> str:
    return f"cut at rollout.sampling.max_new_tokens = {setup.sampling.max_new_tokens}"


def _example(group: ScoredGroup, place: int) -> Example:
    judged, rollout = group.judged, group.group.rollouts[place]
    outcome = judged.outcomes[place]
    return Example(
        truth=group.group.sample.truth,
        said=_said(judged.answers[place], rollout),
        broken=_broken(judged.answers[place]),
        verdict=_LABELS[outcome.code],
        detail=_start(outcome.source if isinstance(outcome, Verdict) else outcome.reason),
        cut=rollout.finish_reason == "length",
    )


def _said(answer: Answer | Unparsed, rollout: Rollout) -> str:
    return _start(answer.text) if isinstance(answer, Answer) else f"...{rollout.text[-_LONGEST:]}"


def _broken(answer: Answer | Unparsed) -> str:
    return answer.reason if isinstance(answer, Unparsed) else ""


def _start(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
