"""What is said of a user's own class that does not keep its contract: one line, naming the class.

Rewards, judges, rollout engines and data sets of a user's own come in at one place each, where what
they give is checked. Their exceptions become one line there, with the file and line that raised;
those of this package are bugs of its own and stay as they are.
"""

import inspect
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from speciarl_pl.errors import SpeciaRLError

_SHOWN = 120


def is_own(thing: object) -> bool:
    """Whether the class of `thing` is a user's, not of this package.

    Example:
        >>> from speciarl_pl.records import Unparsed
        >>> is_own(Unparsed("no answer"))
        False
    """
    return not type(thing).__module__.startswith("speciarl_pl.")


@contextmanager
def own_code(
    thing: object,
    method: str,
    error: type[SpeciaRLError],
    passed: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Context of a call of `thing`, which may be a user's: what it raises becomes a line.

    Args:
        thing: What is called.
        method: Its method, for the message.
        error: What is raised in place of what it raised.
        passed: What it may raise by its contract, beside the errors of this package.
    """
    allowed: tuple[type[Exception], ...] = (SpeciaRLError, *passed)
    try:
        yield
    except allowed:
        raise
    except Exception as raised:
        if not is_own(thing):
            raise
        raise error(breach(thing, method, "no error", _raised(raised))) from raised


def breach(thing: object, method: str, expected: str, got: str) -> str:
    """The line about a broken contract.

    Example:
        >>> breach(object(), "judge", "a list", "None")
        'object.judge: expected a list, got None'
    """
    dot = f".{method}" if method else ""
    return f"{type(thing).__name__}{dot}: expected {expected}, got {got}"


def described(value: object) -> str:
    """A value in a few words: of a tensor its type and shape, of others type and beginning.

    Example:
        >>> import torch
        >>> described(torch.zeros(2, 3)), described([1, 2]), described(None)
        ('a float32 tensor [2, 3]', 'a list [1, 2]', 'None')
    """
    if value is None:
        return "None"
    name = type(value).__name__
    if name == "Tensor":
        tensor: Any = value
        kind = str(tensor.dtype).removeprefix("torch.")
        return f"a {kind} tensor {list(tensor.shape)}"
    shown = " ".join(repr(value).split())
    return f"a {name} {shown if len(shown) <= _SHOWN else f'{shown[:_SHOWN]}...'}"


def check_call(
    thing: object, method: str, arguments: Sequence[str], error: type[SpeciaRLError]
) -> None:
    """Make sure, without calling it, that a method takes what it will be given.

    Args:
        thing: An object.
        method: Name of its method.
        arguments: What it is given, in order; `name=` for one that is given by name.
        error: What to raise.
    """
    by_place = [None for one in arguments if not one.endswith("=")]
    by_name = {one.removesuffix("="): None for one in arguments if one.endswith("=")}
    called = getattr(type(thing), method)
    try:
        inspect.signature(called).bind(thing, *by_place, **by_name)
    except TypeError as wrong:
        given = f"{method}(self, {', '.join(one.removesuffix('=') for one in arguments)})"
        got = f"{method}{inspect.signature(called)}: {wrong}"
        raise error(breach(thing, "", given, got)) from wrong


def _raised(raised: Exception) -> str:
    frame = traceback.extract_tb(raised.__traceback__)[-1]
    said = " ".join(str(raised).split())
    where = f"{Path(frame.filename).name}, line {frame.lineno}"
    return f"{type(raised).__name__}: {said} ({where})"
