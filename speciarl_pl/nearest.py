"""What a user may have meant by a name that there is not."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names, as the end of a message; empty if none is near.

    Args:
        name: What was written; case does not matter.
        known: What there is.

    Example:
        >>> did_you_mean("flod", ["fold", "show"]), did_you_mean("xyz", ["fold"])
        ('; did you mean fold?', '')
    """
    folded = {one.casefold(): one for one in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    return f"; did you mean {folded[near[0]]}?" if near else ""


def unknown_command(name: str, known: Collection[str]) -> str:
    """What is said of a command that there is not.

    Example:
        >>> unknown_command("tain", ["train", "show"]), unknown_command("", ["show"])
        ("command: expected one of train, show; got 'tain'; did you mean train?", \
'command: expected one of show; got none; see --help')
    """
    got = f"got {name!r}{did_you_mean(name, known)}" if name else "got none; see --help"
    return f"command: expected one of {', '.join(known)}; {got}"
