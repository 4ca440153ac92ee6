import io

import pytest

from speciarl_pl.category import Category
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import ExactJudge, Judge, JudgeUnavailableError
from speciarl_pl.judge.audit.verdicts import BATCH, Progress, categories, judge_all
from speciarl_pl.records import Pair, Unjudged, Verdict

WRONG = Verdict(Category.WRONG, "rule:it")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class EachJudge(Judge):
    """Gives what a function yields."""

    def __init__(self, give) -> None:
        self.judge_each = give

    def judge(self, pairs):
        raise AssertionError


def test_each_text_is_asked_once_but_other_spellings_again(rule_judge):
    judge = rule_judge(lambda truth, prediction: Category.SPECIFIC if truth == prediction else None)
    pairs = [Pair("a", "a"), Pair("a", "A"), Pair("a", "a"), Pair("a", "a ")]

    assert categories(judge_all(judge, pairs)) == [Category.SPECIFIC, None, Category.SPECIFIC, None]
    assert judge.asked == [Pair("a", "a"), Pair("a", "A"), Pair("a", "a ")]


def test_any_order_of_answers_is_put_right():
    judge = EachJudge(
        lambda pairs: reversed(list(enumerate(ExactJudge(unknown="wrong").judge(pairs))))
    )
    pairs = [Pair("a", str(place % 7) if place % 3 else "a") for place in range(2 * BATCH + 5)]

    assert judge_all(judge, pairs) == ExactJudge().judge(pairs)


@pytest.mark.parametrize("error", [JudgeUnavailableError("down"), ConnectionError("down")])
def test_a_failing_service_leaves_the_rest_of_the_batch_unjudged(error):
    def give(pairs):
        yield 1, WRONG
        if pairs[0].prediction == "0":
            raise error
        yield from ((place, WRONG) for place in range(len(pairs)) if place != 1)

    pairs = [Pair("a", str(place)) for place in range(BATCH + 2)]

    first, second, *_, last = judge_all(EachJudge(give), pairs)

    assert first == Unjudged(f"EachJudge: {type(error).__name__}: down", transient=True)
    assert second == last == WRONG


@pytest.mark.parametrize(
    "places",
    [[0], [0, 0], [0, 2], [0, 1, 1], [0, -1]],
    ids=["few", "twice", "far", "more", "below"],
)
def test_a_judge_must_answer_for_every_place_once(places):
    judge = EachJudge(lambda pairs: ((place, WRONG) for place in places))

    with pytest.raises(JudgeError, match=r"EachJudge: (un)?expected"):
        judge_all(judge, [Pair("a", "b"), Pair("a", "c")])


def test_progress_shows_on_a_terminal_and_is_taken_away():
    screen = Terminal()

    judge_all(
        ExactJudge(), [Pair("a", str(n)) for n in range(BATCH + 1)], "asking", Progress(screen)
    )

    assert screen.getvalue() == (
        "\r\x1b[Kasking: 0 of 257 pairs\r\x1b[Kasking: 256 of 257 pairs\r\x1b[K"
    )


def test_progress_is_silent_elsewhere():
    pipe = io.StringIO()

    judge_all(ExactJudge(), [Pair("a", "b")], "asking", Progress(pipe))

    assert pipe.getvalue() == ""
