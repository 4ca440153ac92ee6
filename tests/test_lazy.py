"""Commands that only say something start without what takes seconds to import."""

import ast
import json
import os
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import speciarl_pl
from speciarl_pl.system.lazy import load_all

ROOT = Path(speciarl_pl.__file__).parent
PACKAGES = [
    ".".join(("speciarl_pl", *path.parent.relative_to(ROOT).parts))
    for path in sorted(ROOT.rglob("__init__.py"))
    if "handed_out" in path.read_text()
]
HEAVY = {"torch", "lightning", "transformers", "datasets", "pandas", "pyarrow", "altair", "fastapi"}
HEAVY |= {"scipy", "torchmetrics", "peft"}
LIGHT = [
    ["--help"],
    ["--version"],
    ["no-such-command"],
    ["data", "--help"],
    ["data", "list"],
    ["data", "list", "--no-such-option"],
    ["data", "splits", "--help"],
    ["judge", "--help"],
    ["judge", "ask", "Black footed Albatross", "a seabird"],
    ["judge", "audit", "--help"],
    ["report"],
    ["report", "--help"],
    ["doctor", "--help"],
]
PROGRAM = """
import json, sys
from contextlib import suppress
from speciarl_pl.__main__ import main
words, heavy = json.loads(sys.argv[1]), set(json.loads(sys.argv[2]))
for one in words:
    with suppress(SystemExit):
        main(one)
    assert not heavy & sys.modules.keys(), (one, heavy & sys.modules.keys())
"""


def test_commands_that_only_say_something_import_nothing_heavy():
    arguments = [json.dumps(LIGHT), json.dumps(sorted(HEAVY))]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "generic: right, but much broader than the truth" in done.stdout
    assert "https://www.vision.caltech.edu/datasets/cub_200_2011/" in done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_handed_out_is_what_is_named(package):
    module = import_module(package)
    tree = ast.parse(Path(module.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    named = {one.name for node in block.body for one in node.names}
    assert set(module.__all__) == named
    load_all(package)
    for node in block.body:
        for one in node.names:
            assert getattr(module, one.name) is getattr(import_module(node.module), one.name)
    assert not named & {path.stem for path in Path(module.__file__).parent.iterdir()}, (
        "a module of that name would be put in its place when it is imported"
    )


def test_a_name_that_there_is_not_is_named():
    with pytest.raises(ImportError, match="NoSuchJudge"):
        from speciarl_pl.judge import NoSuchJudge  # noqa: F401
    with pytest.raises(AttributeError, match=r"'speciarl_pl\.judge' has no attribute 'NoSuch'"):
        _ = import_module("speciarl_pl.judge").NoSuch


def test_what_is_handed_out_is_pickled_as_ever():
    from speciarl_pl.data import WorldImages

    source = WorldImages(n=3)
    assert type(pickle.loads(pickle.dumps(source))) is WorldImages
    assert WorldImages.__module__ == "speciarl_pl.data.datasets.world"
