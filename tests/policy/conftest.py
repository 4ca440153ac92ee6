import pytest

from speciarl_pl.policy import Policy

from . import tiny


@pytest.fixture(scope="session")
def qwen_dirs(tmp_path_factory):
    """One tiny random checkpoint per Qwen-VL family."""
    root = tmp_path_factory.mktemp("qwen")
    return {family: str(tiny.save_qwen(root / family, family)) for family in tiny.FAMILIES}


@pytest.fixture(scope="session")
def qwen_dir(qwen_dirs):
    return qwen_dirs["qwen2_5_vl"]


@pytest.fixture(scope="session")
def llava_dir(tmp_path_factory):
    return str(tiny.save_llava(tmp_path_factory.mktemp("llava")))


@pytest.fixture
def policy(qwen_dir) -> Policy:
    """A tiny policy whose adapter matters."""
    return tiny.stirred_policy(qwen_dir)
