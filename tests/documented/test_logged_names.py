"""docs/runs.md names all that a training logs, and nothing else."""

import ast
import csv
import re
from pathlib import Path

import pytest
from runs import Commands

import speciarl_pl

from .commands import REPOSITORY

SECTION = (REPOSITORY / "docs" / "runs.md").read_text(encoding="utf-8")
SECTION = SECTION.partition("## What is logged")[2].partition("\n## ")[0]
ROWS = [line.split("|")[1] for line in SECTION.splitlines() if line.startswith("| `")]
NAMES = [name for row in ROWS for name in re.findall(r"`([^`]+)`", row)]


def test_each_once():
    assert len(NAMES) == len(set(NAMES)) > 40


@pytest.mark.slow
def test_a_fit_logs_what_the_table_names(tmp_path, monkeypatch):
    run = Commands(tmp_path, monkeypatch)
    longer = [f"--rollout.init_args.{of}sampling.max_new_tokens=48" for of in ("", "val_")]
    assert run("fit", "run", *longer, "--data.train.init_args.n=4") == 0
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        logged = next(csv.reader(file))
    found = {re.sub(r"^val/.*/", "val/SET/", name) for name in logged}
    assert found == {name for name in NAMES if not name.startswith("sync/")}
    assert {name.split("/")[1] for name in logged if name.startswith("val/")} == {
        "seen",
        "unseen",
        "macro",
    }


def test_the_names_of_a_push_are_those_of_the_code():
    text = Path(speciarl_pl.__file__).parent.joinpath("engine", "adapter_sync.py").read_text()
    constants = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    found = {one for one in constants if isinstance(one, str) and re.fullmatch(r"sync/\w+", one)}
    assert found == {name for name in NAMES if name.startswith("sync/")}
