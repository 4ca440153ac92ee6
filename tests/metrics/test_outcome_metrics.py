import math
import pickle

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch
from jsonargparse import ArgumentParser
from torchmetrics import Metric, MetricCollection

from speciarl_pl.metrics import (
    Correctness,
    HarmonicMean,
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
    metrics = MetricCollection([Correctness(), Specificity(), HarmonicMean()])
    for batch in BATCHES:
        metrics.update(batch)
    assert len(metrics.compute_groups) == 1
    assert metrics.compute()["HarmonicMean"] == functional.harmonic_mean(COUNTS)


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
