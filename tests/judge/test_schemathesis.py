import subprocess
import sys

import pytest
from service_tools import BackEnd, is_ready, until

from speciarl_pl.judge import ExactJudge
from speciarl_pl.judge.remote.http_judge import HTTPJudge
from speciarl_pl.judge.service.options import ServiceOptions
from speciarl_pl.judge.service.serving import BackgroundService


class Sometimes(BackEnd):
    """Verdicts, outages and bugs, by the length of the prediction."""

    def judge_each(self, pairs):
        for place, pair in enumerate(pairs):
            if len(pair.prediction) % 5 == 3:
                raise ConnectionError("refused")
            yield place, *ExactJudge().judge([pair]), *[0] * (len(pair.prediction) % 5 == 4)


@pytest.mark.slow
@pytest.mark.parametrize("token", [None, "s3cret"], ids=["open", "token"])
def test_the_service_does_what_its_document_says(tmp_path, token):
    options = ServiceOptions(max_pairs=16, max_chars=100, max_body_bytes=20_000)
    with (
        BackgroundService(Sometimes(), token=token, options=options) as service,
        HTTPJudge(service.url) as client,
    ):
        assert until(lambda: is_ready(client))
        result = subprocess.run(
            [
                sys.executable,
                *("-m", "schemathesis.cli", "run", f"{service.url}/openapi.json"),
                *("--checks", "all", "--max-examples", "250", "--generation-deterministic"),
                *("--no-color", "--continue-on-failure"),
                *(("-H", f"Authorization: Bearer {token}") if token else ()),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "No issues found" in result.stdout
    assert "4 selected / 4 total" in result.stdout
