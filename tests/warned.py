"""Tells warnings that a package's own doings bring about from those that our calls do.

A filter sees only where a warning is said to stand, which is often the deprecated function itself,
whoever called it; and `pytest.warns` passes warnings on without saying where they stood.
"""

import re
import sys
import warnings
from pathlib import Path

import speciarl_pl
from speciarl_pl.system import quiet

TESTS = Path(__file__).parent
PACKAGE = Path(speciarl_pl.__file__).parent
OURS = tuple(map(str, (PACKAGE, PACKAGE.parent / "callbacks", TESTS)))
RULES = tuple((kind, re.compile(module)) for _, kind, module in quiet.rules())

_warn = warnings.warn


def watch():
    """From now on, a deprecated call in the package or in a test is an error."""
    warnings.warn = warn


def warn(message, category=None, stacklevel=1, source=None, **options):
    """As `warnings.warn`, but for what is going away: an error if called by us, else nothing."""
    kind = type(message) if isinstance(message, Warning) else category or UserWarning
    caller = sys._getframe(1)
    if issubclass(kind, tuple(rule for rule, _ in RULES)):
        if called_by_us(caller):
            raise message if isinstance(message, Warning) else kind(message)
        if hidden(kind, caller, stacklevel):
            return
    _warn(message, category, stacklevel + 1, source, **options)


def called_by_us(frame):
    """Whether the first frame outside the package that warns is in the package or a test."""
    package = top(frame)
    while frame is not None and (top(frame) == package or top(frame) in sys.stdlib_module_names):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(OURS)


def hidden(kind, frame, stacklevel):
    """Whether a command hides it."""
    for _ in range(stacklevel - 1):
        frame = frame.f_back if frame is not None else None
    module = "" if frame is None else frame.f_globals.get("__name__", "")
    return any(issubclass(kind, rule) and modules.match(module) for rule, modules in RULES)


def top(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
