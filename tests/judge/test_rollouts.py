from dataclasses import replace

import pytest
import torch
from PIL import Image

from speciarl_pl.category import Category
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import ExactJudge, Judge, JudgeUnavailableError, judge_groups, judge_pairs
from speciarl_pl.records import (
    Answer,
    EncodedPrompt,
    Pair,
    Rollout,
    RolloutGroup,
    Sample,
    Unjudged,
    Unparsed,
    Verdict,
)


class Recorder(Judge):
    """An exact judge that remembers what it was asked and may fail."""

    def __init__(self, error=None, surplus=0):
        self.error, self.surplus, self.calls = error, surplus, []

    def judge(self, pairs):
        self.calls.append(list(pairs))
        if self.error:
            raise self.error
        return ExactJudge().judge([*pairs, *pairs])[: len(pairs) + self.surplus]


def group(truth, *texts):
    sample = Sample("1.png", "birds", truth, "What is it?", Image.new("RGB", (1, 1)))
    tokens = torch.zeros(1, dtype=torch.int64)
    prompt = EncodedPrompt(tokens, tokens, {})
    rollouts = tuple(Rollout(tokens, torch.zeros(1), text, "stop", 0) for text in texts)
    return RolloutGroup(sample, prompt, rollouts)


GROUPS = [
    group("robin", "<answer>Robin</answer>", "no tags", "<answer>robin </answer>"),
    group("wren", "<answer>Robin</answer>", "<answer>None</answer>"),
]


def test_answers_and_outcomes_stand_beside_their_rollouts():
    judge = Recorder()
    first, second = judge_groups(judge, GROUPS)
    assert first.group is GROUPS[0]
    assert first.answers == (Answer("Robin"), Unparsed("no answer"), Answer("robin"))
    assert [outcome.code for outcome in first.outcomes] == [Category.SPECIFIC, -1, 4]
    assert [outcome.code for outcome in second.outcomes] == [Category.WRONG, Category.ABSTAIN]


def test_thinking_stands_beside_them():
    texts = ("<think> Red. </think><answer>robin</answer>", "<answer>robin</answer>", "Red.")
    (judged,) = judge_groups(Recorder(), [group("robin", *texts)])
    assert judged.thinking == ("Red.", "", "Red.")
    (opened,) = judge_groups(Recorder(), [group("robin", *texts[2:])], thinking_opened=True)
    assert opened.thinking == ("Red.",)


def test_a_sample_is_judged_by_the_tree_its_source_names():
    judge = Recorder()
    [first, _] = GROUPS
    judge_groups(judge, [replace(first, sample=replace(first.sample, taxonomy="cub"))])
    assert judge.calls == [[Pair("robin", "Robin", "cub")]]


def test_each_distinct_pair_is_asked_once_and_as_written():
    judge = Recorder()
    judge_groups(judge, GROUPS)
    asked = [("robin", "Robin"), ("wren", "Robin"), ("wren", "None")]
    assert judge.calls == [[Pair(*both, "birds") for both in asked]]


@pytest.mark.parametrize(
    "error",
    [ConnectionError("refused"), TimeoutError("30 s"), JudgeUnavailableError("overloaded")],
    ids=lambda error: type(error).__name__,
)
def test_a_failed_service_leaves_all_unjudged_and_gives_no_verdict(error):
    first, second = judge_groups(Recorder(error), GROUPS)
    reason = f"Recorder: {type(error).__name__}: {error}"
    assert first.outcomes == (Unjudged(reason, True), Unparsed("no answer"), Unjudged(reason, True))
    assert second.outcomes == (Unjudged(reason, True), Unjudged(reason, True))


def test_a_bug_in_a_judge_is_not_taken_for_an_outage():
    with pytest.raises(JudgeError, match=r"expected no error, got ZeroDivisionError"):
        judge_groups(Recorder(ZeroDivisionError()), GROUPS)


def test_wrong_number_of_judgements():
    message = "Recorder: expected one judgement for each of 3 pairs, got 4"
    with pytest.raises(JudgeError, match=message):
        judge_groups(Recorder(surplus=1), GROUPS)
    message = "Recorder: expected one judgement for each of 3 pairs, got 2"
    with pytest.raises(JudgeError, match=message):
        judge_groups(Recorder(surplus=-1), GROUPS)


def test_nothing_to_ask_asks_nothing():
    judge = Recorder(ConnectionError())
    assert judge_groups(judge, []) == []
    [judged] = judge_groups(judge, [group("robin", "no tags")])
    assert judged.outcomes == (Unparsed("no answer"),)
    assert judge_pairs(judge, [Pair(" ", "robin")]) == [Unjudged("no truth to compare with")]
    assert judge.calls == []


def test_options_of_the_parser_are_passed_on():
    groups = [group("robin", "<answer>robin</answer>", "x</think><answer>robin redbreast</answer>")]
    [judged] = judge_groups(Recorder(), groups, max_chars=10, thinking_opened=True)
    assert judged.answers == (Unparsed("thinking not closed"), Unparsed("answer too long"))


def test_pairs_keep_their_order():
    pairs = [Pair("wren", "robin"), Pair("robin", "robin"), Pair("WREN", "robin ")]
    assert [judgement.code for judgement in judge_pairs(Recorder(), pairs)] == [0, 4, 0]


def test_a_judge_is_a_context():
    class Opened(Recorder):
        def open(self):
            self.calls.append("open")

        def close(self):
            self.calls.append("close")

    with Opened() as judge:
        assert judge.judge([]) == []
    assert judge.calls == ["open", [], "close"]
    with ExactJudge() as judge:
        assert isinstance(judge.judge([Pair("a", "a")])[0], Verdict)
