"""Settings of all tests."""

import signal
from collections import Counter
from importlib.util import find_spec

import pytest
import runs
import warned
from hypothesis import settings

from speciarl_pl.system import quiet

# No deadline: a first call that imports or allocates says nothing about the code under test.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


def _as_in_a_terminal():
    """Undo what nohup and `&` switch off, or no command that a test starts could be stopped."""
    for one, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(one) == signal.SIG_IGN:
            signal.signal(one, handler)


def pytest_configure(config):
    """Hide what a command hides, but not what this package's own calls have brought about."""
    for message, kind, module in quiet.rules():
        config.addinivalue_line("filterwarnings", f"ignore:{message}:{kind.__name__}:{module}")
    warned.watch()
    _as_in_a_terminal()


def pytest_collection_modifyitems(items):
    """Files with slow tests first: at the end no process waits for the long file of another."""
    seconds = Counter()
    for item in items:
        if mark := item.get_closest_marker("slow"):
            seconds[item.path] += mark.kwargs.get("seconds", 10)
    items.sort(key=lambda item: -seconds[item.path])


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
