"""examples/minimal.py: GRPO in one file."""

import re
import runpy
import sys
from pathlib import Path

import pytest

import speciarl_pl

EXAMPLE = Path(__file__).parents[1] / "examples" / "minimal.py"


@pytest.mark.slow
def test_it_trains_and_says_what_it_was_and_became(monkeypatch, capsys):
    words = ["--steps", "2", "--batch_size", "4", "--group_size", "4", "--val", "8"]
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *words])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    before, *steps, after = capsys.readouterr().out.splitlines()
    for line in (before, after):
        assert re.search(r"Correctness \d\.\d+, Specificity \d\.\d+, HarmonicMean \d\.\d+", line)
    assert [line.partition(":")[0] for line in steps] == ["step 1", "step 2"]
    assert all("grad_norm" in line for line in steps)


def test_it_is_short_and_keeps_to_what_is_handed_out():
    text = EXAMPLE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    modules = set(re.findall(r"^from (speciarl_pl[\w.]*) import", text, flags=re.MULTILINE))
    assert modules <= {
        "speciarl_pl",
        *(f"speciarl_pl.{one}" for one in ("data", "metrics", "step")),
    }
    assert set(re.findall(r"^    (\w+),$", text, flags=re.MULTILINE)) <= set(speciarl_pl.__all__)
