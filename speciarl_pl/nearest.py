"""What a user may have meant by a name that there is not."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The nearest of the known names, as the end of a message; empty if none is near.

    Args:
        name: What was written; case does not matter.
        known: What there is.
        prefix: Goes before the name that is said, such as `--`.

    Example:
        >>> did_you_mean("flod", ["fold", "show"]), did_you_mean("xyz", ["fold"])
        ('; did you mean fold?', '')
    """
    folded = {one.casefold(): one for one in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    return f"; did you mean {prefix}{folded[near[0]]}?" if near else ""
