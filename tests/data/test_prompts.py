from itertools import combinations

import pytest

from speciarl_pl.answer import extract_answer
from speciarl_pl.data.prompts import load_prompt, prompt_names
from speciarl_pl.records import Answer

STANCES = [
    "calibrated",
    "elimination",
    "general",
    "high_precision",
    "max_correctness",
    "max_specificity",
    "specific",
]


def test_all_stances_are_packaged():
    assert prompt_names() == sorted([*STANCES, "brief"])


@pytest.mark.parametrize("name", STANCES)
def test_says_how_to_answer_and_how_to_abstain(name):
    text = load_prompt(name)
    for word in ("<think>", "</think>", "<answer>", "</answer>", "answer None"):
        assert word in text
    assert text == text.strip()
    assert text.isascii()
    assert isinstance(extract_answer(text.split("\n\n")[-1]), Answer)


def test_brief_asks_for_the_same_tags():
    for word in ("<think>", "<answer>", "None"):
        assert word in load_prompt("brief")


def test_only_the_stance_differs():
    """`specific` alone also says what to think about: the built-in base was trained on it."""
    parts = {name: load_prompt(name).split("\n\n", maxsplit=1) for name in STANCES}
    assert len({rest for name, (_, rest) in parts.items() if name != "specific"}) == 1
    assert len({rest[rest.index("Then give your") :] for _, rest in parts.values()}) == 1
    for one, other in combinations([set(first.lower().split()) for first, _ in parts.values()], 2):
        assert len(one ^ other) > 8


def test_a_file_of_ones_own(tmp_path):
    (tmp_path / "mine.txt").write_text("Was ist das? é\n", encoding="utf-8")
    assert load_prompt(str(tmp_path / "mine.txt")) == "Was ist das? é"


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "mine.txt").write_text("What?\n", encoding="utf-8-sig")
    assert load_prompt(str(tmp_path / "mine.txt")) == "What?"


def test_a_file_named_like_a_prompt_in_a_folder_is_that_file(tmp_path):
    (tmp_path / "general.txt").write_text("Mine")
    assert load_prompt(str(tmp_path / "general.txt")) == "Mine"


def test_unknown_prompt_lists_those_there_are():
    with pytest.raises(ValueError, match=r"prompt: expected one of .*general.*got 'specifc'"):
        load_prompt("specifc")


def test_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"prompt: expected .* a text file; got '.*none\.txt'"):
        load_prompt(str(tmp_path / "none.txt"))


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_empty_prompt(tmp_path, text):
    (tmp_path / "mine.txt").write_text(text)
    with pytest.raises(ValueError, match=r"prompt: .*mine\.txt is empty"):
        load_prompt(str(tmp_path / "mine.txt"))


def test_a_file_that_is_no_utf_8(tmp_path):
    (tmp_path / "mine.txt").write_bytes("Was ist das für ein Vogel?".encode("latin-1"))
    with pytest.raises(ValueError, match=r"prompt: expected UTF-8 text in .*mine\.txt"):
        load_prompt(str(tmp_path / "mine.txt"))
