import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "update.py"


@pytest.mark.slow
@pytest.mark.parametrize("family", ["qwen2_5_vl", "smolvlm"])
def test_update_benchmark_ends_in_one_line_of_json(monkeypatch, capsys, family):
    spec = importlib.util.spec_from_file_location("update_benchmark", SCRIPT)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    monkeypatch.setitem(benchmark.TEXT, "num_hidden_layers", 1)
    small = ["--rollouts", "2", "--completion-tokens", "3", "--repeats", "1"]
    benchmark.main(["--family", family, *small])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["family"], result["rollouts"]) == (family, 2)
    assert result["speedup"] > 0
    assert 0 < result["shared_peak_mib"] < result["plain_peak_mib"]
    assert result["max_logprob_gap"] < 1e-5
