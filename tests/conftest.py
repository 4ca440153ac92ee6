"""Settings of all tests."""

from importlib.util import find_spec

import pytest
import runs
from hypothesis import settings

# No deadline: a first call that imports or allocates says nothing about the code under test.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Runs the command line with a tiny configuration."""
    return runs.Commands(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def num2words():
    """Stands in for a package that SmolVLM's processor asks for, and calls for videos alone."""
    with pytest.MonkeyPatch.context() as patch:
        if find_spec("num2words") is None:
            patch.setattr("transformers.models.smolvlm.processing_smolvlm.num2words", str)
        yield
