from itertools import product

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.report import read_run, stages_of
from speciarl_pl.report.gallery import chosen_images, gallery
from speciarl_pl.run.thumbnails import thumbnail

from . import report_runs as made

SETS = st.lists(st.integers(1, 12), min_size=1, max_size=4)


def rows(*replies, stage="val", sample="a", truth="dog"):
    return [
        {
            "stage": stage,
            "step": 0,
            "dataset": "set",
            "sample_id": sample,
            "truth": truth,
            "index": index,
            "verdict": verdict,
            "answer": answer,
            "text": f"<think>{index}. {thought}</think><answer>{answer}</answer>",
            "detail": "why",
        }
        for index, (answer, verdict, thought) in enumerate(replies)
    ]


@pytest.fixture
def cards(tmp_path):
    """Cards of a run with the given rollouts."""

    def cards(*given, pictures=None, limit=200):
        made.write_results(tmp_path / "results.json", {"set": [[4]]})
        made.write_results(tmp_path / "results.base.json", {"set": [[4]]})
        table = pa.Table.from_pylist([row for each in given for row in each])
        pq.write_table(table, tmp_path / "rollouts.parquet")
        return gallery(stages_of([read_run(tmp_path)]), pictures or {}, limit)

    return cards


def test_equal_answers_stand_together_the_most_frequent_first(cards):
    said = [
        ("a cat", "wrong", "x"),
        ("Samoyed", "specific", "first"),
        ("samoyed ", "specific", "y"),
        (None, "unparsed", "z"),
        ("samoyed", "generic", "judged otherwise"),
    ]
    ((side,),) = [card.sides for card in cards(rows(*said))]
    found = [(a.answer, a.verdict, a.count, a.thinking) for a in side.answers]
    assert found == [
        ("Samoyed", "specific", 2, "1. first"),
        ("a cat", "wrong", 1, "0. x"),
        (None, "unparsed", 1, "<think>3. z</think><answer>None</answer>"),
        ("samoyed", "generic", 1, "4. judged otherwise"),
    ]
    assert (side.rollouts, side.verdict) == (5, "specific")


def test_many_answers_are_cut_and_counted(cards):
    said = [(f"dog {i}", "wrong", "x") for i in range(20)]
    ((side,),) = [card.sides for card in cards(rows(*said))]
    assert len(side.answers) == 8
    assert (side.more_answers, side.more_rollouts) == (12, 12)


def test_long_thinking_is_cut_and_counted(cards):
    (card,) = cards(rows(("dog", "generic", "\u7279" * 5000)))
    (answer,) = card.sides[0].answers
    assert len(answer.thinking.encode()) <= 2000
    assert len(answer.thinking) + answer.cut == len("0. ") + 5000


@pytest.mark.parametrize(("verdict", "changed"), [("specific", True), ("generic", False)])
def test_changed_from_base(cards, verdict, changed):
    base = rows(("dog", "generic", "x"), stage="base")
    (card,) = cards(base, rows(("animal", verdict, "x")))
    assert [side.stage for side in card.sides] == ["base", "trained"]
    assert card.changed is changed


def test_an_image_of_the_same_name_with_another_truth_is_not_shown_as_seen(cards):
    base = rows(("dog", "generic", "x"), stage="base", truth="cat")
    (card,) = cards(base, rows(("dog", "generic", "x")))
    assert [(side.rollouts, side.verdict) for side in card.sides] == [(1, "generic"), (0, "")]


def test_what_a_stage_did_not_see_is_empty(cards):
    found = cards(
        rows(("dog", "generic", "x"), stage="base"), rows(("cat", "wrong", "x"), sample="b")
    )
    assert [[side.rollouts for side in card.sides] for card in found] == [[1, 0], [0, 1]]
    assert not any(card.changed for card in found)


def test_images_with_a_picture_are_preferred(cards):
    both = [rows(("dog", "generic", "x"), sample=sample) for sample in "abc"]
    (card,) = cards(*both, pictures={("set", "b"): made.photograph(0)})
    assert card.sample == "b"
    assert (card.picture.width, card.picture.height) == (192, 150)
    assert [card.sample for card in cards(*both)] == ["a", "b", "c"]


def test_a_picture_that_cannot_be_read_is_left_out(cards):
    (card,) = cards(rows(("dog", "generic", "x")), pictures={("set", "a"): b"broken"})
    assert card.picture is None


def test_pictures_are_kept_or_made_small():
    jpeg = made.photograph(0)
    assert thumbnail(jpeg).jpeg == jpeg
    large = made.photograph(0, 1200, 900, 10**7)
    assert len(large) > 50_000
    small = thumbnail(large)
    assert len(small.jpeg) <= 12_700
    assert small.width / small.height == pytest.approx(4 / 3, rel=0.05)


@given(SETS, st.integers(0, 40))
def test_choice_is_even_distinct_in_order_and_as_large_as_can_be(sizes, limit):
    images = [(f"s{place}", f"{i}") for place, size in enumerate(sizes) for i in range(size)]
    found = chosen_images([images], [], limit)
    assert len(found) == min(limit, sum(sizes))
    assert found == [key for key in images if key in set(found)]
    shares = [sum(key[0] == f"s{place}" for key in found) for place in range(len(sizes))]
    for (size, share), (_, other) in product(zip(sizes, shares, strict=True), repeat=2):
        assert share == size or share >= other - 1
