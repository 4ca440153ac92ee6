"""Means over data sets, each data set weighing the same."""

import math
from collections.abc import Mapping
from typing import NotRequired, TypedDict

import numpy as np
import torch
from torch import Tensor

from speciarl_pl.metrics.functional.counts import image_counts
from speciarl_pl.metrics.functional.intervals import RESAMPLES, percentile_interval, resample_images
from speciarl_pl.metrics.functional.numbers import Interval, interval
from speciarl_pl.metrics.functional.rates import AVERAGED, Weights, headline
from speciarl_pl.metrics.functional.summary import Summary


class GroupAverage(TypedDict):
    """Means over the data sets of one group; None stands for an undefined number."""

    datasets: list[str]
    """Names of those that the mean is over; see `counted`."""
    left_out: NotRequired[list[str]]
    """Names of the others of the group, if there are any."""
    correctness: float | None
    """Mean of the data sets' values, as are the next four."""
    specificity: float | None
    hm: float | None
    abstain_rate: float | None
    wrong_rate: float | None
    ci95: NotRequired[dict[str, Interval]]
    """95 % bootstrap intervals of the five, where outcomes by image are known."""


def counted(summaries: Mapping[str, Summary]) -> list[str]:
    """Names of the data sets that means are over: those with a prediction that has a verdict.

    One of which no image could be read, or nothing was judged, has no values; counted among the
    others it would make the mean look like one over more data.

    Example:
        >>> from speciarl_pl.metrics.functional.summary import summarize
        >>> sets = {"a": summarize(torch.tensor([0, 0, 0, 0, 0, 0, 4, 0])),
        ...         "empty": summarize(torch.zeros(8, dtype=torch.int64))}
        >>> counted(sets)
        ['a']
    """
    return [name for name, summary in summaries.items() if summary["n"]]


def macro_average(summaries: Mapping[str, Summary]) -> dict[str, float | None]:
    """Mean over data sets of the values in `AVERAGED`, each data set weighing the same.

    Args:
        summaries: By name of the data set.

    Returns:
        By name of the value; over the data sets for which it is defined, None if for none.

    Example:
        >>> from speciarl_pl.metrics.functional.summary import summarize
        >>> sets = {"a": summarize(torch.tensor([0, 0, 0, 0, 0, 0, 4, 0])),
        ...         "b": summarize(torch.tensor([0, 0, 4, 0, 0, 0, 0, 0]))}
        >>> macro_average(sets)["correctness"], macro_average(sets)["specificity"]
        (0.5, 1.0)
    """
    table: dict[str, Mapping[str, object]] = {name: {**value} for name, value in summaries.items()}
    columns = {key: [row[key] for row in table.values()] for key in AVERAGED}
    return {key: _mean(values) for key, values in columns.items()}


def macro_intervals(
    codes: Mapping[str, Tensor],
    weights: Weights = "release",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Interval]:
    """95 % intervals of `macro_average`, by a bootstrap over the images of each data set.

    The data sets themselves are taken as given: the interval is for these data sets, not for others
    like them.

    Args:
        codes: By name of the data set, integers [images, samples].
        weights: As for `specificity`.
        resamples: Number of draws.
        seed: Equal seeds give equal intervals; each data set draws on its own.

    Returns:
        By name of the value; over the draws for which it is defined, None if for none.

    Raises:
        ValueError: If codes are out of range or not two-dimensional, or `resamples` or `weights`
            are invalid.

    Example:
        >>> sets = {"a": torch.tensor([[4], [0]] * 50), "b": torch.tensor([[4]] * 100)}
        >>> [round(bound, 1) for bound in macro_intervals(sets)["correctness"]]
        [0.7, 0.8]
    """
    if not codes:
        return dict.fromkeys(AVERAGED)
    # One stream a data set, told by its place, as two of them may be alike.
    seeds = np.random.SeedSequence(seed).generate_state(len(codes)).tolist()
    draws = [
        headline(resample_images(image_counts(rows), resamples=resamples, seed=own), weights)
        for rows, own in zip(codes.values(), seeds, strict=True)
    ]
    means = {name: torch.stack([draw[name] for draw in draws]).nanmean(0) for name in AVERAGED}
    return {name: interval(percentile_interval(values)) for name, values in means.items()}


def group_averages(
    summaries: Mapping[str, Summary],
    groups: Mapping[str, str | None],
    codes: Mapping[str, Tensor] | None = None,
    weights: Weights = "release",
    seed: int = 0,
) -> dict[str, GroupAverage]:
    """Means over groups of data sets, such as the paper's fine-grained ones (PAPER.md, section 5).

    Args:
        summaries: By name of the data set.
        groups: Group of each data set; one without, or with None, is in no mean.
        codes: As for `macro_intervals`, of all data sets that are in a group; None for no
            intervals.
        weights: As for `specificity`; for the intervals.
        seed: As for `macro_intervals`.

    Returns:
        By name of the group, in the order of `summaries`.

    Raises:
        ValueError: If `codes` lack a data set, or as from `macro_intervals`.

    Example:
        >>> from speciarl_pl.metrics.functional.summary import summarize
        >>> sets = {name: summarize(torch.tensor([0, 0, n, 0, 0, 0, 4, 0]))
        ...         for n, name in enumerate(("pets", "food", "birds"))}
        >>> found = group_averages(sets, {"pets": "fine_grained", "food": "fine_grained"})
        >>> found["fine_grained"]["datasets"], found["fine_grained"]["correctness"]
        (['pets', 'food'], 0.9)
    """
    members: dict[str, list[str]] = {}
    for name in summaries:
        group = groups.get(name)
        if group is not None:
            members.setdefault(group, []).append(name)
    return {
        group: _group(names, summaries, codes, weights, seed) for group, names in members.items()
    }


def _group(
    names: list[str],
    summaries: Mapping[str, Summary],
    codes: Mapping[str, Tensor] | None,
    weights: Weights,
    seed: int,
) -> GroupAverage:
    own = {name: summaries[name] for name in names}
    means = macro_average(own)
    average: GroupAverage = {
        "datasets": counted(own),
        "correctness": means["correctness"],
        "specificity": means["specificity"],
        "hm": means["hm"],
        "abstain_rate": means["abstain_rate"],
        "wrong_rate": means["wrong_rate"],
    }
    if left_out := [name for name in names if name not in average["datasets"]]:
        average["left_out"] = left_out
    if codes is not None:
        missing = [name for name in names if name not in codes]
        if missing:
            raise ValueError(f"codes: expected all data sets of a group, {missing[0]} is missing")
        known = {name: codes[name] for name in average["datasets"]}
        average["ci95"] = macro_intervals(known, weights, seed=seed)
    return average


def _mean(values: list[object]) -> float | None:
    numbers = [value for value in values if isinstance(value, float)]
    return math.fsum(numbers) / len(numbers) if numbers else None
