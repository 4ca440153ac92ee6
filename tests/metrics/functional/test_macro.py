import numpy as np
import pytest
import torch

from speciarl_pl.metrics.functional import (
    AVERAGED,
    counted,
    group_averages,
    headline,
    macro_average,
    macro_intervals,
    outcome_counts,
    summarize,
    summarize_samples,
)

COUNTS = torch.tensor([2, 1, 3, 2, 8, 4, 10, 2])
DRAW = np.random.default_rng(0)
CODES = {
    name: torch.from_numpy(DRAW.integers(low, 6, size=(images, samples)))
    for name, low, images, samples in [("food", 0, 90, 3), ("pets", 1, 40, 3), ("cars", -1, 60, 3)]
}
SUMMARIES = {name: summarize_samples(codes) for name, codes in CODES.items()}
GROUPS = {"food": "fine_grained", "pets": "fine_grained", "cars": "very_fine_grained", "x": "y"}


def test_weighs_data_sets_alike_and_skips_the_undefined():
    sets = {
        "large": summarize(COUNTS * 10),
        "wrong": summarize(torch.tensor([0, 0, 4, 0, 0, 0, 0, 0])),
        "unjudged": summarize(torch.tensor([4, 0, 0, 0, 0, 0, 0, 0])),
    }
    macro = macro_average(sets)
    assert macro["correctness"] == pytest.approx(0.4)
    assert macro["specificity"] == sets["large"]["specificity"]
    assert macro["hm"] == pytest.approx(sets["large"]["hm"] / 2)
    assert macro_average({})["hm"] is None
    assert macro.keys() == set(AVERAGED)


def test_a_data_set_without_a_prediction_is_not_counted_and_named():
    sets = {**SUMMARIES, "empty": summarize(torch.zeros(8, dtype=torch.int64))}
    codes = {**CODES, "empty": torch.zeros(0, 3, dtype=torch.int8)}
    assert counted(sets) == list(SUMMARIES)
    with_it = group_averages(sets, {**GROUPS, "empty": "fine_grained"}, codes)["fine_grained"]
    without = group_averages(SUMMARIES, GROUPS, CODES)["fine_grained"]
    assert with_it.pop("left_out") == ["empty"]
    assert with_it == without


def test_intervals_equal_means_of_resampled_data_sets():
    drawn = {name: [] for name in AVERAGED}
    generator = np.random.default_rng(1)
    for _ in range(600):
        sets = [
            headline(
                outcome_counts(codes[generator.integers(len(codes), size=len(codes))]).double()
            )
            for codes in CODES.values()
        ]
        for name in AVERAGED:
            drawn[name].append(np.mean([values[name].item() for values in sets]))
    for name, interval in macro_intervals(CODES).items():
        assert interval == pytest.approx(np.quantile(drawn[name], [0.025, 0.975]), abs=0.008), name


def test_intervals_are_narrower_than_those_of_the_data_sets():
    macro = macro_intervals(CODES)
    for name in AVERAGED:
        low, high = macro[name]
        assert low < macro_average(SUMMARIES)[name] < high
        widths = [s["ci95"][name][1] - s["ci95"][name][0] for s in SUMMARIES.values()]
        assert high - low < np.mean(widths)


def test_data_sets_alike_draw_on_their_own():
    codes = CODES["food"]
    once, twice = macro_intervals({"a": codes}), macro_intervals({"a": codes, "b": codes})
    for name in AVERAGED:
        widths = [found[name][1] - found[name][0] for found in (once, twice)]
        assert widths[1] / widths[0] == pytest.approx(0.5**0.5, abs=0.1)


def test_undefined_data_sets_are_left_out_of_the_intervals():
    alone = macro_intervals({"food": CODES["food"]})
    with_nothing = macro_intervals({"food": CODES["food"], "none": torch.full((5, 3), -2)})
    assert with_nothing == alone
    assert macro_intervals({}) == dict.fromkeys(AVERAGED)
    assert macro_intervals({"none": torch.full((5, 3), -2)}) == dict.fromkeys(AVERAGED)


def test_groups():
    found = group_averages(SUMMARIES, GROUPS)
    assert list(found) == ["fine_grained", "very_fine_grained"]
    fine = found["fine_grained"]
    assert fine["datasets"] == ["food", "pets"]
    pair = {name: SUMMARIES[name] for name in ("food", "pets")}
    assert {key: fine[key] for key in AVERAGED} == macro_average(pair)
    assert found["very_fine_grained"]["hm"] == SUMMARIES["cars"]["hm"]
    assert "ci95" not in fine


def test_groups_with_intervals():
    found = group_averages(SUMMARIES, GROUPS, CODES, seed=2)
    pair = {name: CODES[name] for name in ("food", "pets")}
    assert found["fine_grained"]["ci95"] == macro_intervals(pair, seed=2)


def test_data_sets_without_a_group_are_in_none():
    assert group_averages(SUMMARIES, {"food": None}) == {}


def test_codes_have_to_be_of_all_data_sets():
    with pytest.raises(ValueError, match="codes: expected all data sets of a group, pets is miss"):
        group_averages(SUMMARIES, GROUPS, {"food": CODES["food"]})


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """300 simulated pairs of data sets of 60 and 200 images with 3 samples each."""
    generator = np.random.default_rng(0)
    alphas = ([0.3, 0.1, 0.4, 0.3, 0.5, 0.1], [0.5, 0.2, 0.1, 0.1, 0.5, 0.2])
    truths = [headline(torch.tensor([0, 0, *alpha]).double()) for alpha in alphas]
    covered = dict.fromkeys(AVERAGED, 0)
    for seed in range(300):
        codes = {}
        for name, alpha, images in zip("ab", alphas, (60, 200), strict=True):
            chances = torch.from_numpy(generator.dirichlet(alpha, size=images))
            state = torch.Generator().manual_seed(seed)
            codes[name] = torch.multinomial(chances, 3, replacement=True, generator=state)
        for name, (low, high) in macro_intervals(codes, resamples=400, seed=seed).items():
            truth = np.mean([values[name].item() for values in truths])
            covered[name] += bool(low <= truth <= high)
    for name, count in covered.items():
        assert 0.91 <= count / 300 <= 0.98, name
