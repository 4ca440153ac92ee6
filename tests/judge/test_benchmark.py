import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "judge.py"


@pytest.mark.slow
def test_judge_benchmark_ends_in_one_line_of_json(monkeypatch, capsys, tmp_path):
    out = tmp_path / "judge.json"
    options = ["--pairs", "2000", "--repeats", "1", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *options])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert json.loads(out.read_text()) == result
    rates = {name: value for name, value in result.items() if name not in ("pairs", "cores")}
    assert len(rates) == 5
    assert min(rates.values()) > 0
