"""A package hands out its names without importing what they come from, until one is used.

`python -m speciarl_pl data list` needs six lines of text, not torch. A package that says

```
if TYPE_CHECKING:
    from speciarl_pl.judge.base import Judge
__getattr__ = handed_out(__name__)
```

has `Judge` to import as ever (PEP 562), for users, type checkers and pickles alike.
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def handed_out(package: str) -> Callable[[str], Any]:
    """`__getattr__` of a package: import a name of its `if TYPE_CHECKING` when it is asked for.

    Example:
        >>> from speciarl_pl import judge
        >>> handed_out("speciarl_pl.judge")("ExactJudge") is judge.ExactJudge
        True
    """
    homes = _homes(package)

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, found)
        return found

    return get


def load_all(package: str) -> None:
    """Import all that a package hands out: short class names work for what is imported."""
    module = import_module(package)
    for name in module.__all__:
        getattr(module, name)


def _homes(package: str) -> dict[str, str]:
    """Name -> module that it is imported from in the package's `if TYPE_CHECKING`."""
    spec = sys.modules[package].__spec__
    source = spec and getattr(spec.loader, "get_source")(package)  # noqa: B009  (not in the protocol)
    blocks = [node for node in ast.parse(source or "").body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {one.name: str(node.module) for node in imports for one in node.names}
