"""The place of the documented commands, laid out once a file and copied for each command."""

import shutil

import pytest

from .place import build_place, finished_run, small_figures


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    return build_place(tmp_path_factory.mktemp("documented"))


@pytest.fixture(scope="module")
def with_runs(laid_out):
    """The same with two finished runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(laid_out)
        finished_run("RUN", patch)
        finished_run("OTHER_RUN", patch, "--seed_everything=1")
    return laid_out


def _copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "place", symlinks=True)


@pytest.fixture
def place(laid_out, tmp_path, monkeypatch):
    """A copy without runs; the current directory."""
    with small_figures():
        monkeypatch.chdir(_copied(laid_out, tmp_path))
        yield tmp_path / "place"


@pytest.fixture
def place_with_runs(with_runs, tmp_path, monkeypatch):
    """A copy with runs; the current directory."""
    with small_figures():
        monkeypatch.chdir(_copied(with_runs, tmp_path))
        yield tmp_path / "place"
