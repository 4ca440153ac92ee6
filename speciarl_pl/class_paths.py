"""Class paths of older configs: a class whose module is gone is found under its short name.

A `config.yaml` names a class by the module that it was in when the run was made. Modules move; what
the packages hand out keeps its name.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final, TypeVar

from speciarl_pl.nearest import did_you_mean

T = TypeVar("T")

SURFACES: Final = (
    "speciarl_pl",
    "speciarl_pl.data",
    "speciarl_pl.judge",
    "speciarl_pl.reward",
    "speciarl_pl.callbacks",
    "speciarl_pl.engine",
    "speciarl_pl.run",
    "speciarl_pl.older_protocol",
    "speciarl_pl.metrics",
)
"""Packages that hand out classes which a config may name."""


def parse_older(parse: Callable[[], T]) -> T:
    """Parse what may name classes by modules of this package that are gone.

    Args:
        parse: Gives the configuration, namespaces and dictionaries in each other.

    Returns:
        The same, with every class named by a place that there is.

    Example:
        >>> from argparse import Namespace
        >>> from importlib import import_module
        >>> def parse() -> Namespace:
        ...     kind = import_module("speciarl_pl.judge.exact").ExactJudge
        ...     return Namespace(judge={"class_path": f"speciarl_pl.judge.exact.{kind.__name__}"})
        >>> parse_older(parse)
        Namespace(judge={'class_path': 'speciarl_pl.ExactJudge'})
    """
    with _gone_modules() as gone:
        parsed = parse()
    if gone:
        _rename(parsed, gone)
    return parsed


def _rename(value: Any, gone: Collection[str]) -> None:
    """Name classes of gone modules by where they are handed out."""
    values = vars(value) if isinstance(value, Namespace) else value
    if isinstance(values, dict):
        module, _, name = str(values.get("class_path")).rpartition(".")
        if module in gone:
            values["class_path"] = f"{_surface_of(name)}.{name}"
    if isinstance(values, dict | list):
        for inner in values.values() if isinstance(values, dict) else values:
            _rename(inner, gone)


def _surface_of(name: str) -> str | None:
    """The package that hands a name out."""
    found = (surface for surface in SURFACES if name in import_module(surface).__all__)
    return next(found, None)


@contextmanager
def _gone_modules() -> Iterator[list[str]]:
    """While it lasts, a module of this package that is not there is made when it is imported."""
    finder = _GoneModules()
    sys.meta_path.insert(0, finder)
    try:
        yield finder.made
    finally:
        sys.meta_path.remove(finder)
        for name in finder.made:
            sys.modules.pop(name, None)
            parent, _, child = name.rpartition(".")
            vars(sys.modules.get(parent, finder)).pop(child, None)


class _GoneModules(MetaPathFinder, Loader):
    """Makes a stand-in of every module of this package that is asked for and is not there."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        if not fullname.startswith("speciarl_pl.") or not name.islower():  # a class is no module
            return None
        there = PathFinder.find_spec(fullname, path)
        if there is not None and there.origin is not None:  # not a folder left with caches in it
            return None
        self.made.append(fullname)
        return ModuleSpec(fullname, self, is_package=True)  # there may be a module within

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _GoneModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


class _GoneModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and (surface := _surface_of(name)):
            return getattr(import_module(surface), name)
        names = {name for surface in SURFACES for name in import_module(surface).__all__}
        raise AttributeError(
            f"there is no module {self.__name__}, and no {name} in {SURFACES[0]}"
            f"{did_you_mean(name, names)}"
        )
