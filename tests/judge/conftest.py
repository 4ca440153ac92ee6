"""What tests of an LLM judge share."""

import pytest


@pytest.fixture(scope="session")
def vllm_judge(tmp_path_factory):
    """A real vLLM server of a tiny random model, started once."""
    from judge.vllm_judge import VLLMJudgeServer, save_model

    server = VLLMJudgeServer(save_model(tmp_path_factory.mktemp("judge-model")))
    try:
        yield server.wait()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def vllm_judge_url(vllm_judge):
    """Base of its API; the model is `vllm_judge.MODEL`."""
    return f"{vllm_judge.url}/v1"
