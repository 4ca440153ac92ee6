"""The examples in the docstrings of the metrics give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import speciarl_pl.metrics

MODULES = [
    info.name
    for info in pkgutil.walk_packages(speciarl_pl.metrics.__path__, "speciarl_pl.metrics.")
    if not info.ispkg
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert not failed
