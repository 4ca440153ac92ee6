import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "update.py"


@pytest.mark.slow
def test_update_benchmark_ends_in_one_line_of_json(monkeypatch, capsys):
    small = ["--rollouts", "2", "--completion-tokens", "3", "--repeats", "1"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *small])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["rollouts"] == 2
    assert result["speedup"] > 0
    assert result["max_logprob_gap"] < 1e-5
