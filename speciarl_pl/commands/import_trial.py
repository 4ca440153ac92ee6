"""Whether packages can be imported, tried in a process beside this one, one after the other.

A package that does not fit another one breaks what imports it, or takes its process down; so
`doctor` imports none itself. What imports well is imported once, however many others need it. What
does not is tried again in a fresh process, in which no other failure has left anything half done.
"""

import subprocess
import sys
from types import TracebackType
from typing import Final

_CHILD: Final = """
import importlib, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for name in sys.stdin:
    try:
        importlib.import_module(name.strip())
        print("works", file=answers, flush=True)
    except BaseException:
        print("fails", file=answers, flush=True)
"""


class ImportTrials:
    """Tries imports; a context manager that ends the process it uses.

    Example:
        >>> with ImportTrials() as trials:
        ...     trials.error("json"), trials.error("no_such")
        (None, "ModuleNotFoundError: No module named 'no_such'")
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> "ImportTrials":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def error(self, name: str) -> str | None:
        """Last line of what importing `name` prints when it fails; None if it works."""
        if self._works(name):
            return None
        self._end()
        return import_error(name)

    def _works(self, name: str) -> bool:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-c", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(f"{name}\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            return False
        return self._child.stdout.readline() == "works\n"

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def import_error(name: str) -> str | None:
    """Last line of what importing `name` prints in a fresh process; None if it works."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}"], capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]
