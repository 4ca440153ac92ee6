import pytest

from speciarl_pl.data.prompts import load_prompt, prompt_names


def test_built_in_prompts_say_how_to_answer():
    for name in ("general", "specific"):
        text = load_prompt(name)
        for word in ("<think>", "</think>", "<answer>", "</answer>", "None"):
            assert word in text
        assert text == text.strip()


def test_a_file_of_ones_own(tmp_path):
    (tmp_path / "mine.txt").write_text("Was ist das? é\n", encoding="utf-8")
    assert load_prompt(str(tmp_path / "mine.txt")) == "Was ist das? é"


def test_unknown_prompt_lists_those_there_are():
    with pytest.raises(ValueError, match=r"expected one of .*general.*specific.*got 'specifc'"):
        load_prompt("specifc")
    assert "general" in prompt_names()


def test_empty_prompt(tmp_path):
    (tmp_path / "mine.txt").write_text(" \n")
    with pytest.raises(ValueError, match=r"mine\.txt is empty"):
        load_prompt(str(tmp_path / "mine.txt"))
