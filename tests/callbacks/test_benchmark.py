import json
import runpy
import sys
from pathlib import Path

import pytest
from vllm_tools import needs_vllm

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "rollouts.py"


@pytest.mark.slow
@needs_vllm
def test_rollouts_benchmark_ends_in_one_line_of_json(monkeypatch, capsys):
    small = ["--images", "2", "--rollouts", "2", "--max-new-tokens", "6"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *small, "--rounds", "1", "--pushes", "7"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["generate_tokens_per_s"] > 0
    assert result["vllm_tokens_per_s"] > 0
    assert 0 < result["push_s"] < result["push_s"] + result["canary_s"]
    assert result["gap_max"] < 1e-4
    assert abs(result["memory_growth"]) < 0.02
