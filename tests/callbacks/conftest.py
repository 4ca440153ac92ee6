import pytest
import runs

from speciarl_pl.module import SpeciaRLModule


@pytest.fixture(scope="session")
def module():
    """A module with the built-in base and an adapter that matters; not to be changed."""
    module = SpeciaRLModule()
    module.policy = runs.world_policy()
    return module
