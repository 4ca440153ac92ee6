import pickle

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch
from jsonargparse import ArgumentParser
from torchmetrics import Metric

from speciarl_pl.category import Category
from speciarl_pl.metrics import (
    ConceptSimilarity,
    HierarchicalScores,
    JudgeCoverage,
    LLMInclusion,
    SemanticSimilarity,
    TextualInclusion,
    functional,
)
from speciarl_pl.metrics.functional.judge_coverage import coverage_counts, coverage_interval
from speciarl_pl.records import Unjudged, Unparsed, Verdict

RANDOM = torch.Generator().manual_seed(0)
EMBEDDED = torch.randn(7, 4, generator=RANDOM), torch.randn(7, 4, generator=RANDOM)
CONCEPTS = [torch.randn(rows, 4, generator=RANDOM) for rows in (2, 0, 1, 3, 1, 1, 2)]
TRUTHS = ["dog", "cat", "cow", "dog", "cat", "cow", "dog"]
ANSWERS = ["a dog", "dog", None, "Dog", "CAT!", "calf", "dogs"]
SAID = [True, False, None, None, True, True, False]
SETS = [{"animal", truth} for truth in TRUTHS]
FOUND = [{"animal", "cat"}, set(), {"animal"}, {"plant"}, {"animal", "cat"}, set(), {"animal"}]
OUTCOMES = [
    Verdict(Category.WRONG, "exact:other"),
    Verdict(Category.GENERIC, "taxonomy:ancestor"),
    Unparsed("no answer"),
    Unjudged("timeout"),
    Verdict(Category.WRONG, "llm:single@1:m"),
    Verdict(Category.WRONG, "llm:single@1:m", cached=True),
    Verdict(Category.WRONG, "mine"),
]
CASES = {
    "textual inclusion": (TextualInclusion, (TRUTHS, ANSWERS), functional.textual_inclusion),
    "llm inclusion": (LLMInclusion, (SAID,), functional.llm_inclusion),
    "semantic similarity": (SemanticSimilarity, EMBEDDED, functional.semantic_similarity),
    "concept similarity": (
        ConceptSimilarity,
        (EMBEDDED[0], CONCEPTS),
        functional.concept_similarity,
    ),
    "hierarchical": (HierarchicalScores, (SETS, FOUND), functional.hierarchical_scores),
    "judge coverage": (JudgeCoverage, (OUTCOMES,), functional.judge_coverage),
}


def plain(value):
    if isinstance(value, dict):
        return pytest.approx({name: one.item() for name, one in value.items()})
    return pytest.approx(value.item())


def split(arguments):
    """Three batches, one of them empty."""
    return [
        [argument[start:stop] for argument in arguments] for start, stop in ((0, 3), (3, 3), (3, 7))
    ]


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    metric_class, arguments, function = request.param
    return metric_class(), arguments, function(*arguments)


def test_accumulates_and_starts_anew(case):
    metric, arguments, expected = case
    for batch in split(arguments):
        metric.update(*batch)
    assert plain(metric.compute()) == _values(expected)
    metric.reset()
    metric.update(*arguments)
    assert plain(metric.compute()) == _values(expected)


def _values(value):
    return {n: v.item() for n, v in value.items()} if isinstance(value, dict) else value.item()


def test_gives_the_value_of_a_batch(case):
    metric, arguments, expected = case
    metric(*split(arguments)[0])
    assert plain(metric(*arguments)) == _values(expected)


def test_pickles_copies_and_keeps_its_precision(case):
    metric, arguments, expected = case
    metric.half()
    metric.update(*arguments)
    assert plain(pickle.loads(pickle.dumps(metric)).compute()) == _values(expected)
    assert plain(metric.clone().compute()) == _values(expected)


def test_draws_itself(case):
    mpl.use("Agg")
    metric, arguments, _ = case
    metric.update(*arguments)
    figure, _ = metric.plot()
    assert figure.axes
    plt.close(figure)


INTERVALS = {
    "textual inclusion": functional.wilson_interval(torch.tensor(4), torch.tensor(7)),
    "llm inclusion": functional.wilson_interval(torch.tensor(3), torch.tensor(5)),
    "semantic similarity": functional.clustered_interval(
        functional.cosines(*EMBEDDED), torch.arange(7)
    ),
    "judge coverage": coverage_interval(coverage_counts(OUTCOMES)),
}


@pytest.mark.parametrize("name", INTERVALS)
def test_interval(name):
    metric_class, arguments, _ = CASES[name]
    metric = metric_class()
    for batch in split(arguments):
        metric.update(*batch)
    assert metric.interval().tolist() == pytest.approx(INTERVALS[name].tolist())
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1"):
        metric.interval(confidence=95)
    metric.update(*arguments)  # still at work after the error


def test_intervals_of_cosines_end_at_one():
    metric = SemanticSimilarity()
    metric.update(torch.eye(3), torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 1, 1]]))
    assert metric.interval()[1] == 1.0


def test_missing_answers_are_counted():
    metric = LLMInclusion()
    metric.update(SAID)
    assert metric.missing == 2


@pytest.mark.parametrize("name", CASES)
def test_can_be_named_in_a_config_of_metrics(name):
    parser = ArgumentParser()
    parser.add_subclass_arguments(Metric, "metric")
    path = f"speciarl_pl.metrics.{CASES[name][0].__name__}"
    config = parser.parse_object({"metric": {"class_path": path}})
    assert isinstance(parser.instantiate(config).metric, CASES[name][0])
