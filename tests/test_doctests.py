"""The examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import speciarl_pl

MODULES = [
    info.name
    for info in pkgutil.walk_packages(speciarl_pl.__path__, "speciarl_pl.")
    if info.name != "speciarl_pl.__main__"
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert not failed
