import json
import runpy
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "metrics.py"


def test_metrics_benchmark_ends_in_one_line_of_json(monkeypatch, capsys):
    small = ["--images", "50", "--samples", "6", "--batch", "7"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *small])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["benchmark"], result["images"], result["samples"]) == ("metrics", 50, 6)
    steps = [result[f"{step}_s"] for step in ("update", "compute", "summary", "majority")]
    assert min(steps) > 0
    assert 0 < result["total_s"] < 60
    assert result["state_mib"] * 2**20 >= 50 * 6
    assert result["peak_mib"] < 1024
