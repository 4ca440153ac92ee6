"""Disks that are full, read-only or otherwise refuse to take a file: what it means, what to do."""

import errno
import os
import re
from typing import Final

_ELSEWHERE: Final = "write to a place that is yours"

_ADVICE: Final = {
    errno.ENOSPC: "free some space there, or write to another disk",
    errno.EDQUOT: "your quota there is used up: free some space, or write to another disk",
    errno.EFBIG: "a file may not be larger there (ulimit -f): raise the limit, or write elsewhere",
    errno.EROFS: "the disk is mounted read-only: write to another one",
    errno.EACCES: _ELSEWHERE,
    errno.EPERM: _ELSEWHERE,
    errno.EIO: "the disk or the network that it hangs on fails: write to another one",
}
"""What to do about a disk, by the number that the system gives."""

_ABOUT_PATHS: Final = {
    errno.EEXIST: "a file has the name of its folder: choose another",
    errno.ENOTDIR: "a file has the name of its folder: choose another",
    errno.EISDIR: "a folder has that name: name a file in it",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def reason_and_advice(error: BaseException) -> tuple[str, str]:
    """Why something could not be written, in the system's words, and what to do about it.

    Example:
        >>> reason_and_advice(OSError(errno.ENOSPC, "full"))
        ('No space left on device', 'free some space there, or write to another disk')
    """
    number = _number(error)
    if number is None:
        return getattr(error, "strerror", None) or str(error), "write elsewhere"
    return os.strerror(number), (_ADVICE | _ABOUT_PATHS).get(number, "write elsewhere")


def storage_message(error: OSError) -> str | None:
    """What to tell the user, in a line; None if the error is not about storage.

    Example:
        >>> storage_message(OSError(errno.EROFS, "", "/mnt/a.csv"))
        '/mnt/a.csv: Read-only file system; the disk is mounted read-only: write to another one'
    """
    if _number(error) not in _ADVICE:
        return None
    reason, advice = reason_and_advice(error)
    if error.filename is None:
        return f"{reason}: a file could not be written; {advice}"
    return f"{os.fsdecode(error.filename)}: {reason}; {advice}"


def os_error_behind(error: BaseException | None) -> OSError | None:
    """The system's error that a library turned into another, if there is one."""
    while error is not None:
        if isinstance(error, OSError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"\bos error (\d+)\b", str(error))  # as Rust writes it: safetensors
    return int(found.group(1)) if found else None
