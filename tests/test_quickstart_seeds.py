import importlib.util
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="module")
def seeds():
    path = Path(__file__).parents[1] / "benchmarks" / "quickstart_seeds.py"
    spec = importlib.util.spec_from_file_location("quickstart_seeds", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(stage, subset, verdict):
    return {"stage": stage, "dataset": "toys", "subset": subset, "verdict": verdict}


def test_sums_up_a_run_by_part_and_stage(seeds, tmp_path):
    rows = [
        row("base", "easy", "generic"),
        row("base", "hard", "wrong"),
        row("train", "hard", "specific"),
        row("val", "easy", "specific"),
        row("val", "hard", "less specific"),
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rollouts.parquet")
    found = {r.subset: r.stages for r in seeds.read_run(tmp_path, seed=3)}
    assert found["all"]["base"]["correctness"] == 0.5
    assert found["all"]["val"]["specificity"] == pytest.approx(0.8)
    assert found["hard"]["base"]["specificity"] is None
    assert found["hard"]["val"]["specificity"] == pytest.approx(0.6)


def test_writes_the_table_and_the_figure(seeds, tmp_path):
    rows = [row(stage, part, "specific") for stage in ("base", "val") for part in ("easy", "hard")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rollouts.parquet")
    found = list(seeds.read_run(tmp_path, seed=3))
    assert "| 3 | toys | easy | 1.000 → 1.000 |" in seeds.table(found)
    seeds.plot(found, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_the_table_of_a_page_is_replaced(seeds, tmp_path):
    page = tmp_path / "quickstart.md"
    seeds.write_table(page, "| a |\n|---|\n| 1 |\n")
    page.write_text(f"# Title\n\n{page.read_text()}\nAfter.\n")
    seeds.write_table(page, "| b |\n|---|\n| 2 |\n| 3 |\n")
    assert page.read_text() == "# Title\n\n| b |\n|---|\n| 2 |\n| 3 |\n\nAfter.\n"
