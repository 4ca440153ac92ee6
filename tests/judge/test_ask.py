import pytest

from speciarl_pl.category import Category
from speciarl_pl.commands.judge import ask
from speciarl_pl.judge import ExactJudge, Judge, JudgeUnavailableError
from speciarl_pl.judge.config import offline_judge
from speciarl_pl.records import Unjudged, Verdict


class Says(Judge):
    def __init__(self, judgement) -> None:
        self.judgement = judgement

    def judge(self, pairs):
        if isinstance(self.judgement, Exception):
            raise self.judgement
        return [self.judgement]


@pytest.mark.parametrize("category", list(Category), ids=lambda category: category.label)
def test_every_category_is_explained(category):
    reply = ask(Says(Verdict(category, "llm:single", cached=True)), "lion", "cat")

    first, second = reply.text.splitlines()
    label, _, meaning = first.partition(": ")
    assert label == category.label
    assert len(meaning) > 10
    assert second == "source: llm:single (from a store)"
    assert reply.exit_code == 0


def test_the_data_set_decides_between_homonyms():
    judge = offline_judge()
    texts = {
        name: ask(judge, "boxer", "dog", name).text for name in ("oxford_pets", "stanford_cars")
    }
    assert texts["oxford_pets"].startswith("generic: ")
    assert texts["stanford_cars"] == "unjudged: taxonomy: unknown truth 'boxer'"


def test_a_fresh_verdict_says_nothing_of_a_store():
    assert ask(ExactJudge(), "lion", "lion").text.endswith("\nsource: exact:same")


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        (Says(Unjudged("llm: unreadable")), "unjudged: llm: unreadable"),
        (Says(Unjudged("a\nb\x1b[2J")), "unjudged: a\\nb\\x1b[2J"),
        (
            Says(JudgeUnavailableError("down")),
            "unjudged: Says: JudgeUnavailableError: down\nasking again later may help",
        ),
    ],
    ids=["no verdict", "control characters", "service down"],
)
def test_without_a_verdict_the_reason_is_told(judge, expected):
    reply = ask(judge, "lion", "cat")

    assert (reply.text, reply.exit_code) == (expected, 1)


def test_a_blank_truth_is_not_asked_about():
    reply = ask(Says(ValueError("asked")), " ", "cat")

    assert (reply.text, reply.exit_code) == ("unjudged: no truth to compare with", 1)
