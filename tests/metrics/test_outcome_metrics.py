import math
import pickle
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch
from jsonargparse import ArgumentParser
from torchmetrics import Metric, MetricCollection

from speciarl_pl.metrics import (
    CategoryRates,
    Correctness,
    HarmonicMean,
    OutcomeCounts,
    Specificity,
    functional,
)

BATCHES = [torch.tensor([0, 2, 4]), torch.tensor([], dtype=torch.int64), torch.tensor([5, -1, -2])]
COUNTS = functional.outcome_counts(torch.cat(BATCHES))

CASES = {
    "correctness": (Correctness, {}, functional.correctness(COUNTS)),
    "specificity": (Specificity, {}, functional.specificity(COUNTS)),
    "ordinal": (Specificity, {"weights": "ordinal"}, functional.specificity(COUNTS, "ordinal")),
    "hm": (HarmonicMean, {}, functional.harmonic_mean(COUNTS)),
    "own hm": (
        HarmonicMean,
        {"weights": [0, 0, 0.5, 1]},
        functional.harmonic_mean(COUNTS, (0, 0, 0.5, 1)),
    ),
    "rates": (CategoryRates, {}, functional.category_rates(COUNTS)),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    metric_class, arguments, expected = request.param
    return metric_class(**arguments), expected


def test_batches_accumulate_and_reset_starts_anew(case):
    metric, expected = case
    for batch in BATCHES:
        metric.update(batch)
    assert metric.compute() == expected
    metric.reset()
    metric.update(torch.cat(BATCHES))
    assert metric.compute() == expected


def test_forward_gives_the_batch_value(case):
    metric, expected = case
    metric(torch.tensor([0, 0]))
    assert metric(torch.cat(BATCHES)) == expected


def test_survives_pickle_and_copy(case):
    metric, expected = case
    metric.update(torch.cat(BATCHES))
    assert pickle.loads(pickle.dumps(metric)).compute() == expected
    assert metric.clone().compute() == expected


def test_plots(case):
    mpl.use("Agg")
    metric, _ = case
    metric.update(BATCHES[0])
    figure, _ = metric.plot()
    assert figure.axes
    plt.close(figure)


def test_rates_are_drawn_as_bars_with_their_values():
    mpl.use("Agg")
    metric = CategoryRates()
    metric.update(torch.cat(BATCHES))
    figure, axis = metric.plot()
    figure.canvas.draw()
    rates = functional.category_rates(COUNTS)
    heights = [bar.get_height() for bar in axis.patches]
    assert heights == pytest.approx([rate.item() for rate in rates.values()])
    names = [label.get_text() for label in axis.get_xticklabels()]
    assert names == [name.replace("_", " ") for name in rates]
    plt.close(figure)


def test_counts_are_drawn_as_bars_with_their_labels():
    mpl.use("Agg")
    metric = OutcomeCounts()
    metric.update(torch.cat(BATCHES))
    _, given_axis = plt.subplots()
    figure, axis = metric.plot(ax=given_axis)
    assert axis is given_axis
    assert [bar.get_height() for bar in axis.patches] == COUNTS.tolist()
    names = [label.get_text() for label in axis.get_xticklabels()]
    assert names == list(functional.OUTCOME_LABELS)
    plt.close(figure)


@pytest.mark.parametrize("metric_class", [CategoryRates, OutcomeCounts])
def test_several_results_are_drawn_as_a_line_each(metric_class):
    mpl.use("Agg")
    metric = metric_class()
    figure, axis = metric.plot([metric(BATCHES[0]), metric(BATCHES[2])])
    figure.canvas.draw()
    assert len(axis.lines) == 8
    assert all(len(line.get_ydata()) == 2 for line in axis.lines)
    assert len(axis.get_legend().get_texts()) == 8
    plt.close(figure)


def test_a_plot_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    metric = CategoryRates()
    metric.update(BATCHES[0])
    with pytest.raises(ModuleNotFoundError, match="plot needs matplotlib; install it with `pip"):
        metric.plot()


def test_state_stays_an_integer_under_half_precision():
    metric = Correctness().half()
    metric.update(BATCHES[0])
    assert metric.counts.dtype == torch.int64


def test_undefined_before_the_first_prediction():
    with pytest.warns(UserWarning, match="before the ``update`` method"):
        assert math.isnan(Specificity().compute())


def test_bad_weights_are_refused_at_once():
    with pytest.raises(ValueError, match="weights: expected one of release, ordinal"):
        HarmonicMean("paper")


def test_a_collection_forms_one_compute_group():
    metrics = MetricCollection(
        [Correctness(), Specificity(), HarmonicMean(), CategoryRates(), OutcomeCounts()]
    )
    for batch in BATCHES:
        metrics.update(batch)
    assert len(metrics.compute_groups) == 1
    values = metrics.compute()
    assert values["HarmonicMean"] == functional.harmonic_mean(COUNTS)
    assert values["more_specific_rate"] == functional.category_rates(COUNTS)["more_specific_rate"]
    assert values["OutcomeCounts"].equal(COUNTS)
    metrics.reset()
    metrics.update(BATCHES[0])
    assert metrics["OutcomeCounts"].compute().sum() == 3


def test_counts_are_what_summarize_takes():
    metric = OutcomeCounts()
    for batch in BATCHES:
        metric.update(batch)
    assert functional.summarize(metric.compute()) == functional.summarize(COUNTS)
    mpl.use("Agg")
    figure, _ = metric.plot()
    assert figure.axes
    plt.close(figure)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [("release", (0.2, 0.6, 1.0, 1.0)), ([0.1, 0.2, 0.3, 0.4], (0.1, 0.2, 0.3, 0.4))],
)
def test_can_be_named_in_a_config(weights, expected):
    parser = ArgumentParser()
    parser.add_subclass_arguments(Metric, "metric")
    config = {"class_path": "speciarl_pl.metrics.Specificity", "init_args": {"weights": weights}}
    metric = parser.instantiate(parser.parse_object({"metric": config})).metric
    assert metric.weights == expected
