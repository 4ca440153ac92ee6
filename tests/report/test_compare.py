import numpy as np
import pytest
from scipy.stats import binomtest

from speciarl_pl.metrics.functional import OUTCOME_LABELS
from speciarl_pl.report import Stage, compare, compare_stages
from speciarl_pl.report.stages import base_pairs
from speciarl_pl.run.results import Results
from speciarl_pl.run.stage_rollouts import Rollouts

WEIGHTS = {2: 0.2, 3: 0.6, 4: 1.0, 5: 1.0}


def stage(name, codes, is_base=False, rollouts=True, truths=None, runs=()):
    """A stage of one data set; `codes` by sample id."""
    flat = [code for row in codes.values() for code in row]
    counts = {label: flat.count(code) for code, label in enumerate(OUTCOME_LABELS, -2)}
    results = Results("", {"set": {"counts": counts}}, {}, {})
    keys = {("set", sample): np.array(row, np.int8) for sample, row in codes.items()}
    named = {key: (truths or {}).get(key[1], "truth") for key in keys}
    found = Rollouts("", "val", 0, keys, named) if rollouts else None
    return Stage(name, runs or (name,), is_base, results, found)


def draw(seed, samples=1, n=60):
    generator = np.random.default_rng(seed)
    return {f"{i}": generator.integers(-1, 6, samples).tolist() for i in range(n)}


def slow_rates(rows):
    flat = [code for row in rows for code in row if code != -2]
    right = [WEIGHTS[code] for code in flat if code >= 2]
    correctness, specificity = len(right) / len(flat), sum(right) / len(right)
    hm = 2 * correctness * specificity / (correctness + specificity)
    return {"correctness": correctness, "specificity": specificity, "hm": hm}


def test_differences_are_those_of_the_common_images():
    a, b = draw(0, 3), draw(1, 2)
    for sample in ("1", "2", "3"):
        del a[sample]
    del b["7"]
    found = compare(stage("a", a), stage("b", b), "set")
    common = [sample for sample in a if sample in b]
    rates = [slow_rates([codes[sample] for sample in common]) for codes in (a, b)]
    assert (found.method, found.images, found.only_a, found.only_b) == ("paired", 56, 1, 3)
    for name, difference in found.differences.items():
        wanted = rates[1][name] - rates[0][name]
        assert difference.difference == pytest.approx(wanted, abs=1e-9)
        low, high = difference.ci95
        assert low < wanted < high


def test_mcnemar_is_on_the_first_rollout():
    a, b = draw(2, 3), draw(3, 3)
    a["0"][0] = b["1"][0] = -2
    found = compare(stage("a", a), stage("b", b), "set").mcnemar
    pairs = [(a[s][0] >= 2, b[s][0] >= 2) for s in a if -2 not in (a[s][0], b[s][0])]
    only_a, only_b = pairs.count((True, False)), pairs.count((False, True))
    assert (found.b, found.c) == (only_a, only_b)
    assert found.p_value == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)


def test_nothing_judged_by_both_is_no_test():
    found = compare(stage("a", {"0": [-2], "1": [4]}), stage("b", {"0": [4], "1": [-2]}), "set")
    assert (found.method, found.images, found.mcnemar) == ("paired", 2, None)


def test_a_ragged_run_counts_what_there_is():
    a, b = draw(4, 3), draw(5, 3)
    a["0"] = a["0"][:1]
    found = compare(stage("a", a), stage("b", b), "set")
    wanted = slow_rates(b.values())["hm"] - slow_rates(a.values())["hm"]
    assert found.differences["hm"].difference == pytest.approx(wanted, abs=1e-9)


def test_images_with_other_truths_are_left_out():
    a, b = draw(6), draw(7)
    found = compare(stage("a", a, truths={"0": "x", "1": "x"}), stage("b", b), "set")
    assert (found.images, found.unlike) == (58, 2)


@pytest.mark.parametrize("rollouts", ["none", "of one", "of other images"])
def test_without_common_rollouts_counts_are_compared(rollouts):
    a, b = draw(8), draw(9)
    if rollouts == "of other images":
        b = {f"other {sample}": row for sample, row in b.items()}
    first = stage("a", a, rollouts=rollouts != "none")
    found = compare(first, stage("b", b, rollouts=rollouts == "of other images"), "set")
    assert (found.method, found.images, found.mcnemar) == ("unpaired", 0, None)
    wanted = slow_rates(b.values())["correctness"] - slow_rates(a.values())["correctness"]
    assert found.differences["correctness"].difference == pytest.approx(wanted)


def test_pairing_narrows_the_interval():
    a = draw(10, n=200)
    b = a | {sample: [min(5, row[0] + 1)] for sample, row in list(a.items())[:30]}
    paired = compare(stage("a", a), stage("b", b), "set")
    unpaired = compare(stage("a", a), stage("b", b, rollouts=False), "set")
    widths = [np.diff(each.differences["hm"].ci95).item() for each in (paired, unpaired)]
    assert widths[0] < 0.5 * widths[1]


def test_who_is_compared_with_whom():
    base = stage("base", draw(0), is_base=True, runs=("a", "c"))
    finals = [stage(name, draw(0)) for name in ("a", "b", "c")]
    pairs = [(c.a, c.b) for c in compare_stages([base, *finals])]
    assert pairs == [
        *(("base", name) for name in "ac"),
        *[("a", "b"), ("a", "c"), ("b", "c")],
    ]
    bases = [stage(f"{name}: base", draw(0), True, runs=(name,)) for name in "ab"]
    assert [(x.name, y.name) for x, y in base_pairs([*bases, *finals])] == [
        ("a: base", "a"),
        ("b: base", "b"),
    ]
