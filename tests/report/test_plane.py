"""The plane: axes of one's own data, and the paper where there is something to stand beside."""

import pytest

from speciarl_pl.report import PUBLISHED, html_report, read_runs, stages_of
from speciarl_pl.report.headline_table import RATES, Estimate, Row
from speciarl_pl.report.paper_rows import Published
from speciarl_pl.report.plots.palette import BASE_COLOUR, RUN_COLOURS, stage_colours
from speciarl_pl.report.plots.plane import plane
from speciarl_pl.report.plots.plane_marks import Look, iso_lines
from speciarl_pl.report.plots.training import run_colours

from . import report_runs as made

FINE = [row for row in PUBLISHED if row.group == "fine_grained"]


def row(correctness, specificity, stage="mine", scope="birds", reach=0.02):
    values = dict.fromkeys(RATES, Estimate(0.5))
    for name, value in (("correctness", correctness), ("specificity", specificity)):
        values[name] = Estimate(value, max(0.0, value - reach), value + reach)
    return Row(scope, "dataset", stage, 100, 1, values)


def domains(found):
    """Of both axes, as the marks of the first layer have them."""
    encoding = found.plot.spec["layer"][0]["encoding"]
    return [encoding[axis]["scale"]["domain"] for axis in "xy"]


def drawn(rows, published=()):
    return plane(rows, Look({one.stage: "#000000" for one in rows}), published=published)


def test_own_data_sets_set_the_axes():
    found = drawn([row(0.10, 0.30), row(0.15, 0.40, "other")])
    assert domains(found) == [pytest.approx([0.04, 0.21]), pytest.approx([0.24, 0.46])]


def test_published_rows_that_are_far_are_named_and_do_not_widen_the_frame():
    found = drawn([row(0.10, 0.30)], FINE)
    assert domains(found) == domains(drawn([row(0.10, 0.30)]))
    assert found.published == []
    assert found.outside == [one.method for one in FINE]


def test_published_rows_that_are_near_are_shown():
    near, far = Published("near", "g", 0.95, 0.85, 0.9), Published("far", "g", 0.6, 0.85, 0.7)
    unknown = Published("hm alone", "g", None, None, 0.8)
    found = drawn([row(0.84, 0.90)], [near, far, unknown])
    assert (found.published, found.outside) == (["near"], ["far"])
    assert domains(found)[1] == pytest.approx([0.84, 0.99])


def test_an_interval_that_begins_at_0_is_in_the_frame():
    assert domains(drawn([row(0.02, 0.5)]))[0][0] == 0.0


@pytest.mark.parametrize("size", [1.0, 0.3, 0.1, 0.05])
def test_a_frame_of_any_size_has_lines_of_hm(size):
    assert 3 <= len(iso_lines([1 - size, 1.0], [1 - size, 1.0])) <= 12


@pytest.fixture
def run(tmp_path):
    def run(name, codes, **options):
        folder = made.write_run(tmp_path / name, images=3, pictures=False, seed=name, **options)
        made.write_results(folder / "results.json", codes)
        return folder

    return run


def test_only_benchmarks_of_the_paper_stand_beside_it(run):
    page = html_report(
        read_runs([run("own", {"my birds": [[4], [0]]}, base=False, curves=False)]), 0
    )
    assert "paper" not in page[page.index("<body>") :].lower().partition("<script")[0]
    page = html_report(
        read_runs([run("flowers", {made.FLOWERS: [[4], [0]]}, base=False, curves=False)]), 0
    )
    assert 'id="paper"' in page
    assert f"mean of fine-grained sets (only {made.FLOWERS})" in page


def test_each_run_has_one_colour_and_bases_are_told_apart(run):
    codes = {made.FLOWERS: [[4], [0], [3]]}
    runs = read_runs([run("a", codes, curves=False, base=False), run("b", codes), run("c", codes)])
    colours = stage_colours(stages_of(runs))
    assert [colours[name] for name in "abc"] == list(RUN_COLOURS[:3])
    assert [colours[f"{name}: base"] for name in "bc"] == list(RUN_COLOURS[1:3])
    assert run_colours(runs) == {name: colours[name] for name in "bc"}
    alone = stages_of([runs[1]])
    assert stage_colours(alone)["base"] == BASE_COLOUR
