"""What tests of the older protocol share."""

import pytest


@pytest.fixture(scope="session")
def embedder():
    """The real encoder, loaded once."""
    from protocol.real_models import encoder_folder

    from speciarl_pl.older_protocol.similarities import Embedder

    return Embedder(encoder_folder())


@pytest.fixture
def no_hub(monkeypatch):
    """No look-up on the hub: a name that is not there fails at once."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
