"""What a reader has to know beside the rates: what was cut, unreadable, unjudged or left out."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from speciarl_pl.metrics.functional import counted

SHARES: Final = ("unparsed", "cut", "unjudged")
"""Parts of the answers that tables show wherever they are not 0."""

_WHAT: Final = {
    "unparsed": "without a readable answer, which counts as wrong; data.prompt says how to answer",
    "cut": "ended by rollout.val_sampling.max_new_tokens{limit}; a larger one lets them end",
    "unjudged": "without a verdict, which no rate counts; data.judge gives them",
}
"""What each is, and the option that mends it."""


def answers(summary: Mapping[str, Any]) -> int:
    """All answers to the images of a data set."""
    return int(sum(summary["counts"].values()))


def share(summary: Mapping[str, Any], part: str) -> float:
    """Share of the answers that are one of `SHARES`; 0 where it is not known.

    Example:
        >>> share({"counts": {"wrong": 3, "unparsed": 1}, "cut": 2}, "cut")
        0.5
    """
    count = summary.get("cut", 0) if part == "cut" else summary["counts"].get(part, 0)
    return float(count) / max(answers(summary), 1)


def skipped(summary: Mapping[str, Any]) -> int:
    """Images of a data set that could not be read."""
    return int(summary.get("skipped", {}).get("count", 0))


def aside(summary: Mapping[str, Any]) -> str:
    """All that is not 0, in a few words.

    Example:
        >>> aside({"counts": {"wrong": 3, "unparsed": 1}, "skipped": {"count": 2}})
        '2 skipped, 25.0 % unparsed'
        >>> aside({"counts": {"specific": 3}})
        ''
    """
    shares = [f"{share(summary, part):.1%} {part}" for part in SHARES if share(summary, part)]
    counts = [f"{skipped(summary)} skipped"] if skipped(summary) else []
    return ", ".join([*counts, *shares]).replace("%", " %")


def remarks(
    stages: Mapping[str, Mapping[str, Mapping[str, Any]]], max_new_tokens: int | None = None
) -> list[str]:
    """One line for each thing that is not as it should be, with the option that mends it.

    Args:
        stages: By title of the stage, by name of the data set: a `Summary`.
        max_new_tokens: Where answers were cut; None where that is not known.

    Example:
        >>> remarks({"base": {"birds": {"n": 4, "counts": {"specific": 4}, "cut": 1}}}, 8)[0]
        'cut: rollouts ended by rollout.val_sampling.max_new_tokens = 8; a larger one lets them end'
    """
    all_of = [summary for results in stages.values() for summary in results.values()]
    limit = f" = {max_new_tokens}" if max_new_tokens else ""
    found = [
        f"{part}: rollouts {_WHAT[part].format(limit=limit)}"
        for part in SHARES
        if any(share(summary, part) for summary in all_of)
    ]
    if any(map(skipped, all_of)):
        found.append("skipped: images that could not be read; results.json names them")
    return [*found, *dict.fromkeys(_left_out(stages))]


def _left_out(stages: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Data sets that no mean counts."""
    for results in stages.values():
        known: Any = results
        for name in results.keys() - set(counted(known)) if len(results) > 1 else ():
            why = "no verdict" if answers(results[name]) else "no image that was read"
            yield f"left out of the means: {name} ({why})"
