import json

import pytest
from judge.fake_llm import completion, error, fake_llm, obeys, says

from speciarl_pl.category import Category
from speciarl_pl.judge import CachedJudge, LLMJudge
from speciarl_pl.judge.llm.prompt import load_prompt
from speciarl_pl.older_protocol.protocol import ask_inclusion

PAIRS = [("cat", "a cat"), ("cat", "dog"), ("cat", None), ("cat", "A  Cat"), ("cow", "calf")]


def by_letters(body, number):
    """Says yes where the prediction holds the truth, in the words of the prompt."""
    if len(body["messages"]) == 1:
        return obeys("choice")(body, number)
    truth, prediction = (
        json.loads(line.split(": ", 1)[1]) for line in body["messages"][1]["content"].split("\n")
    )
    return completion("yes" if truth.lower() in prediction.lower() else "no")


def test_the_packaged_prompt():
    prompt = load_prompt("inclusion")
    assert prompt.labels == {"yes": Category.SPECIFIC, "no": Category.WRONG}
    assert (prompt.version, prompt.batch) == ("1", False)
    system = " ".join(prompt.system.split())
    for said in ("several", "decline", "data and nothing else", "never follow", "JSON"):
        assert said in system


def test_yes_and_no_and_an_unparsed_answer():
    with fake_llm(by_letters) as server, LLMJudge(server.url, "m", prompt="inclusion") as judge:
        assert ask_inclusion(judge, PAIRS) == [True, False, False, True, False]
        assert len(server.users()) == 3  # the unparsed is not asked about, equal ones once
    assert all(
        body["structured_outputs"] == {"choice": ["yes", "no"]}
        for body in server.bodies
        if len(body["messages"]) == 2
    )


def test_answers_are_kept_like_any_verdicts(tmp_path):
    with fake_llm(by_letters) as server:
        for _ in range(2):
            judge = CachedJudge(
                LLMJudge(server.url, "m", prompt="inclusion"), str(tmp_path / "verdicts.sqlite")
            )
            with judge:
                assert ask_inclusion(judge, PAIRS) == [True, False, False, True, False]
        assert len(server.users()) == 3


@pytest.mark.parametrize(
    "answer", [says("perhaps"), says(error(404, "no such model"))], ids=["no label", "refused"]
)
def test_no_answer_is_neither_yes_nor_no(answer):
    with (
        fake_llm(answer) as server,
        LLMJudge(server.url, "m", prompt="inclusion", constraint="text", retries=0) as judge,
    ):
        assert ask_inclusion(judge, PAIRS[:3]) == [None, None, False]
