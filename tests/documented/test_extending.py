"""docs/extending.md: its blocks, written into an empty folder, work as they stand."""

import os
import re
import subprocess
import sys

import pytest
import yaml

import speciarl_pl

from .commands import REPOSITORY
from .place import run_ours

TEXT = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
FILES = {block.split("\n")[0].removeprefix("# "): block for kind, block in FENCES if kind}
COMMANDS = [line for kind, block in FENCES if not kind for line in block.splitlines()]
OURS = [line for line in COMMANDS if line.startswith("python -m speciarl_pl ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("extending")
    for name, block in FILES.items():
        (place / name).write_text(block, encoding="utf-8")
    yield place
    for name in FILES:  # others have modules of these names, too
        sys.modules.pop(name.removesuffix(".py"), None)


def test_there_is_one_of_each():
    assert {name for name in FILES if name.endswith(".py")} == {
        "concise.py",
        "head_noun.py",
        "shapes.py",
        "parrot.py",
        "brevity.py",
        "train.py",
    }
    assert [*OURS, "python train.py"] == COMMANDS
    named = {word for line in COMMANDS for word in line.split() if word in FILES}
    assert named == {name for name in FILES if name.endswith(".yaml")} | {"train.py"}
    for name, block in FILES.items():
        code = [line for line in block.splitlines()[1:] if line and not line.startswith(("#",))]
        assert name == "train.py" or len(code) <= 40, "short"
        assert not name.endswith(".yaml") or yaml.safe_load(block)


def test_what_they_import_of_this_package_is_handed_out():
    for package, names in re.findall(
        r"^from (speciarl_pl[\w.]*) import (.*)$", TEXT, flags=re.MULTILINE
    ):
        surface = __import__(package, fromlist=["__all__"])
        assert set(re.findall(r"\w+", names)) <= set(surface.__all__)
    assert speciarl_pl.__all__


@pytest.mark.slow
@pytest.mark.parametrize("command", OURS, ids=[line.split()[-1] for line in OURS])
def test_a_command_works_as_it_stands(command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)  # as `python -m` does
    assert run_ours(command.split()[3:], monkeypatch) == 0
    run = folder / command.split()[-1]
    if "--run_dir" in command:
        assert (run / "report.html").is_file()
        columns = (run / "metrics.csv").read_text().split("\n")[0].split(",")
        assert "reward" in columns
        assert ("val/words" in columns) == (run.name == "metric")


@pytest.mark.slow
def test_all_of_them_from_python(folder):
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"words of an answer: \d", done.stdout)
    assert (folder / "adapter" / "adapter_config.json").is_file()
