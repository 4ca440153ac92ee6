import pytest
import runs
import vllm_tools

from speciarl_pl.callbacks import HFRolloutCallback
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.sampling import Sampling


@pytest.fixture
def policy():
    """The built-in base with an adapter that matters; may be changed."""
    return runs.world_policy()


@pytest.fixture
def draw(policy):
    """Draws groups with the policy itself: an engine in perfect sync."""
    module = SpeciaRLModule()
    module.policy = policy

    def groups(sampling=Sampling(max_new_tokens=16), **options):  # noqa: B008 (frozen)
        requests = vllm_tools.requests(policy, **options)
        return HFRolloutCallback().draw(module, requests, sampling)

    return groups
