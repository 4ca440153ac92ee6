import pickle
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch

from speciarl_pl.category import Category
from speciarl_pl.metrics import BestOfK
from speciarl_pl.metrics.functional import best_of_k, best_of_k_curve

CODES = torch.randint(-2, 6, (23, 6), generator=torch.Generator().manual_seed(0))


def filled(batch=5, weights="release"):
    metric = BestOfK(6, weights)
    for rows in CODES.split(batch):
        metric.update(rows)
    return metric


@pytest.mark.parametrize("batch", [1, 5, 23])
def test_equals_the_functions(batch):
    found = filled(batch).compute()
    assert found["k"].tolist() == [1, 2, 4, 6]
    for place, k in enumerate((1, 2, 4, 6)):
        expected = best_of_k(CODES, k)
        for category in Category:
            assert found[category.name.lower()][place] == pytest.approx(expected[category].item())


@pytest.mark.parametrize("weights", ["release", "ordinal", (0, 0.1, 0.2, 1)], ids=str)
def test_equals_the_curve(weights):
    found = filled(weights=weights).compute()
    expected = best_of_k_curve(CODES, weights, resamples=1)
    for name in ("correctness", "specificity", "hm"):
        assert found[name].tolist() == pytest.approx(expected[name])


def test_batch_values_reset_pickle_and_copy():
    metric = filled()
    expected = metric.compute()["hm"]
    assert pickle.loads(pickle.dumps(metric)).compute()["hm"].equal(expected)
    batch = metric(CODES[:4])["hm"]
    metric.reset()
    metric.update(CODES[:4])
    assert metric.compute()["hm"].equal(batch)


def test_plots_a_line_per_category_and_the_harmonic_mean():
    mpl.use("Agg")
    figure, axis = filled().plot()
    figure.canvas.draw()
    drawn = {line.get_label(): line for line in axis.lines}
    assert set(drawn) == {"hm", *(c.label for c in Category if c)}
    assert drawn["specific"].get_xdata().tolist() == [1, 2, 4, 6]
    expected = [best_of_k(CODES, k)[Category.SPECIFIC].item() for k in (1, 2, 4, 6)]
    assert drawn["specific"].get_ydata().tolist() == pytest.approx(expected)
    assert {text.get_text() for text in axis.get_legend().get_texts()} == set(drawn)
    _, own = plt.subplots()
    assert filled().plot(filled().compute(), own)[1] is own
    plt.close("all")


def test_plots_one_sample():
    mpl.use("Agg")
    metric = BestOfK(1)
    metric.update(CODES[:, :1])
    figure, axis = metric.plot()
    figure.canvas.draw()
    assert {tuple(line.get_xdata()) for line in axis.lines} == {(1,)}
    plt.close(figure)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (CODES[:, :5], "codes: expected 6 samples an image, got 5"),
        (CODES[0], r"codes: expected \[images, samples\], got shape \(6,\)"),
        (CODES + 9, "codes: expected values from -2 to 5, got 7 to 14"),
    ],
)
def test_bad_codes(codes, message):
    with pytest.raises(ValueError, match=message):
        BestOfK(6).update(codes)


def test_bad_arguments():
    with pytest.raises(ValueError, match="samples: expected an int >= 1, got 0"):
        BestOfK(0)
    with pytest.raises(ValueError, match="weights: expected one of release, ordinal"):
        BestOfK(4, "paper")


def test_a_plot_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ModuleNotFoundError, match="plot needs matplotlib; install it with `pip"):
        filled().plot()
