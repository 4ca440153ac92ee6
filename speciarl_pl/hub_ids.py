"""Names of repositories of a hub, with the version that is meant: `owner/name@revision`.

Without one, a run takes what the repository holds that day. What is typed is kept as it is, in
config.yaml, checkpoints and exported adapters, so that a pinned run stays pinned.
"""

import re
from pathlib import Path

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*(?:/[\w.-]+)?)@(?P<revision>[\w.-][\w./-]*)")


def pinned(name: str) -> tuple[str, str | None]:
    """Take the revision off the id of a repository: a commit, a tag or a branch.

    Args:
        name: A path, or an id; a path that is there has no revision, whatever its name.

    Returns:
        What comes before it, and the revision; None without one.

    Example:
        >>> pinned("owner/name@3fa9c1d"), pinned("owner/name")
        (('owner/name', '3fa9c1d'), ('owner/name', None))
    """
    found = _PINNED.fullmatch(name)
    if found is None or Path(name).exists():
        return name, None
    return found["name"], found["revision"]
