import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from speciarl_pl.errors import RunError
from speciarl_pl.report import read_run, read_runs, stages_of
from speciarl_pl.report.page import write_report

from . import report_runs as made


@pytest.fixture
def run(tmp_path):
    return made.write_run(tmp_path / "quickstart" / "first", images=4, samples=2)


def test_a_whole_run(run):
    found = read_run(run)
    assert found.name == "first"
    assert list(found.results.datasets) == [made.FLOWERS, made.CARS]
    assert found.base.datasets != found.results.datasets
    assert len(found.curves["reward"]) == 60
    assert found.rollouts["base"].step == 0
    assert found.rollouts["val"].step == 8
    assert len(found.rollouts["val"].codes) == 8
    assert len(found.thumbnails) == 8
    assert "very-secret" not in found.config


def test_a_run_whose_name_is_not_utf8(run, tmp_path):
    moved = run.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    write_report([moved], moved / "page.html")
    assert "caf\\xe9" in (moved / "page.html").read_text(encoding="utf-8")


def test_codes_are_those_of_the_rollouts_whatever_their_order(run):
    found = read_run(run).rollouts["val"]
    rows = pq.read_table(run / "rollouts.parquet").to_pylist()
    shuffled = rows[::-1] + [row | {"step": 3, "verdict": "wrong"} for row in rows]
    pq.write_table(pa.Table.from_pylist(shuffled), run / "rollouts.parquet")
    again = read_run(run).rollouts["val"]
    assert again.step == 8
    assert {k: v.tolist() for k, v in again.codes.items()} == {
        k: v.tolist() for k, v in found.codes.items()
    }
    weights = [0, 3, 1, 2, 3, 9, 1]
    drawn = made.draw_codes(4, 2, weights, f"0 val {made.CARS}")
    assert [found.codes[made.CARS, f"image_{i:05d}.jpg"].tolist() for i in range(4)] == drawn


def test_only_the_results_are_needed(tmp_path):
    made.write_results(tmp_path / "results.json", {"birds": [[4], [0]]})
    for path in (tmp_path, tmp_path / "results.json"):
        found = read_run(path)
        assert found.results.datasets["birds"]["correctness"] == 0.5
        assert (found.base, found.config) == (None, None)
        assert (found.curves, found.rollouts, found.thumbnails) == ({}, {}, {})


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("results.json", b"{", "results.json: not JSON"),
        ("results.json", b"\xff", "results.json: not JSON"),
        ("results.json", b"[]", "expected a JSON object, got a list"),
        ("results.json", b'{"schema": 7}', "schema: expected 1, got 7"),
        ("results.json", b'{"schema": 1}', "expected at least one data set"),
        ("results.json", b'{"schema": 1, "datasets": {"a": 1}}', "datasets: expected an object"),
        ("results.json", b'{"schema": 1, "datasets": {"a": {}}}', "datasets.a.counts"),
        ("results.base.json", b"{", "results.base.json: not JSON"),
        ("metrics.csv", b"a,b\n1,2\n", "metrics.csv: not a table of metrics by step"),
        ("metrics.csv", b"step,kl\n1,x\n", "metrics.csv: not a table of metrics by step"),
        ("rollouts.parquet", b"PAR1", "rollouts.parquet: cannot be read as Parquet"),
        ("thumbnails.parquet", b"no", "thumbnails.parquet: cannot be read as Parquet"),
    ],
)
def test_a_broken_file_is_named(run, file, content, said):
    (run / file).write_bytes(content)
    with pytest.raises(RunError) as caught:
        read_run(run)
    assert str(run / file) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"counts": {"purple": 1}}, "counts: unknown category 'purple'"),
        ({"hm": "high"}, "hm: expected a number or null, got 'high'"),
        ({"hm": float("nan")}, "hm: expected a number or null, got nan"),
        ({"ci95": {"hm": [1]}}, "ci95: expected [low, high]"),
        ({"best_of_k": {"k": 3}}, "best_of_k: expected the lists k and reached"),
        ({"best_of_k": {"k": [1], "reached": {"wrong": []}}}, "best_of_k: expected lists of 1"),
    ],
)
def test_a_wrong_value_of_the_results_is_named(tmp_path, change, said):
    made.write_results(tmp_path / "results.json", {"birds": [[4]]}, {"birds": change})
    with pytest.raises(RunError, match=r"datasets\.birds\.") as caught:
        read_run(tmp_path)
    assert said in str(caught.value)
    assert "python -m speciarl_pl validate" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("rollouts.parquet", {"verdict": "so so"}, "verdict: expected one of"),
        ("rollouts.parquet", {"verdict": None}, "verdict: expected one in every row"),
        ("rollouts.parquet", "truth", "no column 'truth'"),
        ("thumbnails.parquet", "jpeg", "no column 'jpeg'"),
    ],
)
def test_a_wrong_table_is_named(run, file, change, said):
    rows = pq.read_table(run / file).to_pylist()
    if isinstance(change, str):
        rows = [{k: v for k, v in row.items() if k != change} for row in rows]
    else:
        rows[-1] |= change
    pq.write_table(pa.Table.from_pylist(rows), run / file)
    with pytest.raises(RunError, match=file) as caught:
        read_run(run)
    assert said in str(caught.value)


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(RunError, match="nowhere: no such run; expected a run directory"):
        read_run(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"no results\.json in it, which a run writes after"):
        read_run(tmp_path)


def test_names(run, tmp_path):
    timed = made.write_run(tmp_path / "quickstart" / "2026-01-31_12-00-00", images=1)
    other = made.write_run(tmp_path / "other" / "first", images=1)
    runs = read_runs([run, timed, other])
    assert [r.name for r in runs] == ["first (1)", "quickstart 2026-01-31_12-00-00", "first (2)"]
    assert [r.name for r in read_runs([run, other], ["a", "b"])] == ["a", "b"]


def test_wrong_names_and_runs_are_refused(run):
    with pytest.raises(ValueError, match=r"^names: expected 1 different names, .* got a, b"):
        read_runs([run], ["a", "b"])
    with pytest.raises(ValueError, match=r"^runs: expected at least one"):
        read_runs([])
    with pytest.raises(RunError, match="named twice"):
        read_runs([run, run / "."])


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ({"step": 80}, "trained (step 80)"),
        ({"step": 80, "last_step": 80}, "trained (step 80)"),
        ({"step": 40, "last_step": 80}, "trained (step 40 of 80)"),
        ({"step": None}, "trained"),
    ],
)
def test_a_trained_model_is_called_by_its_step(run, steps, name):
    path = run / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **steps}))
    assert [s.name for s in stages_of([read_run(run)])] == ["base", name]


def test_a_step_that_is_none_is_named(run):
    path = run / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "step": "80"}))
    with pytest.raises(RunError, match="step: expected an int >= 0 or null, got '80'"):
        read_run(run)


def test_stages(run, tmp_path):
    assert [s.name for s in stages_of([read_run(run)])] == ["base", "trained"], "an older run"
    other = made.write_run(tmp_path / "other", images=4, samples=2, seed=1)
    names = [s.name for s in stages_of(read_runs([run, other]))]
    assert names == ["first: base", "other: base", "first", "other"]
    (other / "results.base.json").write_bytes((run / "results.base.json").read_bytes())
    shared = stages_of(read_runs([run, other]))
    assert [(s.name, s.runs) for s in shared] == [
        ("base", ("first", "other")),
        ("first", ("first",)),
        ("other", ("other",)),
    ]
    (run / "results.base.json").unlink()
    assert [s.name for s in stages_of([read_run(run)])] == ["first"]
