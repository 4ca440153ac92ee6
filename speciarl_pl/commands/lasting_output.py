"""Output that nobody reads any more, or that finds no room, ends no command.

`fit | head -1` closes the pipe after a line, a terminal goes away with its window, the disk with
the log is full: what a run leaves in its directory must not depend on that.
"""

import io
import os
import sys
from contextlib import suppress
from io import BufferedWriter, RawIOBase, TextIOWrapper
from typing import Any, Final

_NAMES: Final = {1: "stdout", 2: "stderr"}


class LastingFile(io.FileIO):
    """A descriptor to which any writing succeeds.

    Args:
        descriptor: Of the output; stays open.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.lost: OSError | None = None
        """Why some of the output was lost though somebody may miss it; None if nothing was."""

    def write(self, data: object) -> int | None:  # type: ignore[override]
        """Write, or give up what cannot be written."""
        size = memoryview(data).nbytes  # type: ignore[arg-type]
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:  # the reader wants no more: from here on nobody is asked
            _lead_nowhere(self.fileno())
        except OSError as error:
            self.lost = error
        return size


def make_output_last() -> None:
    """Let the console's streams be of this kind, if they are this process's own."""
    sys.stdout = _lasting(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _lasting(sys.stderr, sys.__stderr__, 2)


def lost_output() -> str:
    """What of the output could not be written, in a line; empty if nothing is missing.

    A closed pipe is no loss: its reader had what it wanted.
    """
    for stream in (sys.stdout, sys.stderr):
        file = _file_of(stream)
        if stream is None or file is None:
            continue
        stream.flush()
        if file.lost:
            return (
                f"{_NAMES[file.fileno()]}: some of the output was lost ({file.lost.strerror}); "
                "files of a run are complete where no other error is named"
            )
    return ""


def _lasting(stream: Any, own: object, descriptor: int) -> Any:
    if type(stream) is not TextIOWrapper or stream is not own or _file_of(stream):
        return stream
    if stream.fileno() != descriptor:
        return stream
    with suppress(OSError):
        stream.flush()
    raw = LastingFile(descriptor)
    unbuffered = isinstance(stream.buffer, RawIOBase)  # python -u
    return TextIOWrapper(
        raw if unbuffered else BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _file_of(stream: object) -> LastingFile | None:
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    return raw if isinstance(raw, LastingFile) else None


def _lead_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
