"""Settings of all tests."""

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
