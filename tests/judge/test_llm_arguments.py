"""What an LLM judge is made with."""

import json

import pytest
from jsonargparse import ArgumentParser
from judge.fake_llm import fake_llm, says

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.llm.llm_judge import LLMJudge
from speciarl_pl.records import Pair


def test_the_key_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-1234")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with fake_llm(says("wrong")) as server:
        for options in ({"api_key_env": "MY_KEY"}, {}):
            with LLMJudge(server.url, "m", constraint="text", **options) as judge:
                judge.judge([Pair("a", "b")])
    assert [one["Authorization"] for one in server.headers] == ["Bearer sk-1234", "Bearer none"]


def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("MY_KEY", "geheim-\u00fc")
    judge = LLMJudge("http://127.0.0.1:9/v1", "m", api_key_env="MY_KEY")
    with pytest.raises(JudgeError, match="printable ASCII in the variable MY_KEY") as raised:
        judge.open()
    assert "geheim" not in str(raised.value)


def test_the_fingerprint_is_what_a_verdict_depends_on(tmp_path):
    text = "---\nversion: 1\nlabels: {a: wrong, b: specific}\n---\n## system\nx\n## user\n"
    path = tmp_path / "p.txt"

    def mark(prompt=None, model="m", base_url="http://127.0.0.1:9/v1", **options):
        path.write_text(text + "{truth} {prediction}" if prompt is None else prompt)
        return LLMJudge(base_url, model, prompt=str(path), **options).fingerprint

    same = [mark(), mark(base_url="http://127.0.0.1:8/v1"), mark(concurrency=1), mark(retries=0)]
    other = [
        mark(text + "{truth}  {prediction}"),
        mark(model="n"),
        mark(revision="2"),
        mark(max_tokens=5),
        mark(constraint="text"),
        mark(extra_body={"top_k": 1}),
        LLMJudge("http://127.0.0.1:9/v1", "m").fingerprint,
    ]
    assert len(set(same)) == 1
    assert len({*same, *other}) == 8
    assert json.loads(mark(revision="2"))["labels"] == {"a": "wrong", "b": "specific"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "127.0.0.1:8000"}, "base_url: expected a URL"),
        ({"base_url": "ftp://x/v1"}, "base_url: expected a URL"),
        ({"base_url": "http://"}, "base_url: expected a URL"),
        ({"model": " "}, "model: expected a non-empty text"),
        (
            {"constraint": "json"},
            "constraint: expected one of choice, json_schema, text; got 'json'",
        ),
        ({"batch_size": 0}, "batch_size: expected an int >= 1, got 0"),
        ({"batch_size": 2}, "batch_size: expected 1, got 2; the prompt 'single'"),
        ({"concurrency": 0}, "concurrency: expected an int >= 1, got 0"),
        ({"timeout_s": 0}, "timeout_s: expected a number > 0, got 0"),
        ({"timeout_s": float("nan")}, "timeout_s: expected a number > 0"),
        ({"retries": -1}, "retries: expected an int >= 0, got -1"),
        ({"retries": True}, "retries: expected an int >= 0, got True"),
        ({"max_chars": 0}, "max_chars: expected an int >= 1, got 0"),
        ({"max_tokens": 0}, "max_tokens: expected an int >= 1, got 0"),
        ({"api_key_env": ""}, "api_key_env: expected a non-empty text"),
        ({"extra_body": {"temperature": 1}}, "extra_body: expected fields .*'temperature'"),
        ({"extra_body": {"x": {1, 2}}}, "extra_body: expected what JSON can hold"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        LLMJudge(**{"base_url": "http://127.0.0.1:9/v1", "model": "m"} | options)


def test_no_such_prompt():
    with pytest.raises(JudgeError, match="prompt: expected one of"):
        LLMJudge("http://127.0.0.1:9/v1", "m", prompt="x")


def test_it_is_built_from_a_configuration():
    parser = ArgumentParser()
    parser.add_subclass_arguments(Judge, "judge")
    init = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "prompt": "batch", "batch_size": 8}
    init["extra_body"] = {"chat_template_kwargs": {"enable_thinking": False}}
    settings = {"class_path": "speciarl_pl.judge.llm.llm_judge.LLMJudge", "init_args": init}
    judge = parser.instantiate(parser.parse_object({"judge": settings})).judge
    decoding = json.loads(judge.fingerprint)["decoding"]
    assert (decoding["batch_size"], decoding["extra_body"]) == (8, init["extra_body"])
