"""On stand-ins for torchvision: one whose compiled part does not load, and one without any."""

import subprocess
import sys
from pathlib import Path

import pytest

from speciarl_pl.system import torchvision_repair

pytestmark = pytest.mark.slow  # all together: each starts a Python with torch

NEEDS_OPERATOR = "import torch\ntorch.library.register_fake('torchvision::nms', lambda *_: None)\n"


@pytest.fixture
def python(tmp_path):
    """Runs code in a process that finds the stand-in and, with `watch`, reads the start file."""

    def run(code, watch=True):
        start = torchvision_repair._START_LINE if watch else ""
        return subprocess.run(
            [sys.executable, "-S", "-c", f"{start}{code}"],
            env={"PYTHONPATH": ":".join([str(tmp_path), *filter(None, sys.path)])},
            capture_output=True,
            text=True,
            check=False,
        )

    folder = tmp_path / "torchvision"
    folder.mkdir()
    (folder / "__init__.py").write_text(NEEDS_OPERATOR)
    return run


def test_operators_are_declared_where_the_library_does_not_load(python, tmp_path):
    (tmp_path / "torchvision" / "_C.so").write_text("of another build")
    assert "torchvision::nms" in python("import torchvision", watch=False).stderr
    done = python("import torchvision; print('imported')")
    assert done.stdout == "imported\n", done.stderr


def test_nothing_is_declared_where_nothing_is_broken(python):
    """Without a library to load there is nothing to stand in for."""
    assert "torchvision::nms" in python("import torchvision").stderr


def test_start_file_may_be_read_twice(python, tmp_path):
    (tmp_path / "torchvision" / "_C.so").write_text("of another build")
    again = torchvision_repair._START_LINE
    done = python(f"{again}import torchvision; print('imported')")
    assert done.stdout == "imported\n", done.stderr


def test_start_file_costs_nothing_where_torchvision_is_not_imported(python):
    done = python("import sys; print('torch' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


def test_start_file_says_nothing_when_this_package_is_gone(python):
    done = subprocess.run(
        [sys.executable, "-S", "-c", torchvision_repair._START_LINE],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_start_file_is_written_into_the_environment(tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision_repair.sysconfig, "get_path", lambda name: str(tmp_path))
    file = torchvision_repair.write_start_file()
    assert file == Path(tmp_path, "speciarl_torchvision.pth")
    assert file.read_text().count("\n") == 1
