import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl import answer
from speciarl_pl.answer import answer_key, extract_answer, thinking
from speciarl_pl.records import Answer, Unparsed

READ = {
    "plain": ("<think>fur</think><answer>dog</answer>", "dog"),
    "no thinking": ("<answer>dog</answer>", "dog"),
    "template opened the thinking": ("white fur</think>\n<answer>dog</answer>", "dog"),
    "answer considered while thinking": (
        "<think><answer>cat</answer></think><answer>dog</answer>",
        "dog",
    ),
    "last of two": ("<answer>cat</answer> no: <answer>dog</answer>", "dog"),
    "last one is cut": ("<answer>dog</answer> or <answer>ca", "dog"),
    "nested": ("<answer>a <answer>dog</answer> b</answer>", "dog"),
    "close without open": ("</answer><answer>dog</answer></answer>", "dog"),
    "upper case": ("<THINK>x</Think><Answer>Dog</ANSWER>", "Dog"),
    "blanks in the tag": ("<think >x</think\n><answer >dog</answer >", "dog"),
    "trimmed": ("<answer>\n  a dog \t</answer>", "a dog"),
    "lines kept": ("<answer>a\nb</answer>", "a\nb"),
    "marks kept": ("<answer>F/A-18, 16.4?</answer>", "F/A-18, 16.4?"),
    "other tags kept": ("<answer><b>dog</b></answer>", "<b>dog</b>"),
    "two thoughts": ("<think>x</think><think>y</think><answer>dog</answer>", "dog"),
    "no Latin letter": ("<answer>犬</answer>", "犬"),
    "digits": ("<answer>747</answer>", "747"),
    "boxed": (r"<answer>\boxed{dog}</answer>", "dog"),
    "boxed text": (r"<answer>$\boxed{\text{golden retriever}}$.</answer>", "golden retriever"),
    "marks of a box": ("<answer><|begin_of_box|>dog<|end_of_box|></answer>", "dog"),
    "JSON": ('<answer>{"answer": "dog"}</answer>', "dog"),
    "JSON in a fence": ('<answer>```json\n{"label": "dog", "sure": 0.9,}\n```</answer>', "dog"),
    "JSON with a place": ('<answer>[{"bbox_2d": [1, 2, 3, 4], "label": "dog"}]</answer>', "dog"),
    "place behind": ("<answer>dog(12,40),(380,512)</answer>", "dog"),
    "place in front": ("<answer><loc0012><loc0040><loc0380><loc0512> dog</answer>", "dog"),
    "token of the end": ("<answer>dog</answer><|im_end|>", "dog"),
    "box without tags": (r"<think>cat \boxed{cat}?</think> It is a \boxed{dog}.", "dog"),
    "last of two boxes": (r"\boxed{cat}, no: \boxed{dog}", "dog"),
    "box of marks without tags": ("hm</think><|begin_of_box|>dog<|end_of_box|>", "dog"),
    "JSON without tags": ('hm</think>```json\n{"answer": "dog"}\n```<|im_end|>', "dog"),
    "JSON of several": ('<answer>[{"label": "a"}, {"label": "b"}]</answer>',) * 2,
    "JSON that says nothing": ('<answer>{"x": "dog", "y": "cat"}</answer>',) * 2,
    "years in brackets": ("<answer>dog (1999, 2001)</answer>", "dog (1999, 2001)"),
}

UNREAD = {
    "nothing": ("", answer.NO_ANSWER),
    "no tags": ("It is a dog.", answer.NO_ANSWER),
    "answer only while thinking": ("<think><answer>dog</answer></think> done", answer.NO_ANSWER),
    "cut while thinking": ("<think>is it <answer>dog</answer>", answer.UNCLOSED_THINK),
    "thinks again": ("<think>x</think><answer>dog</answer><think>or", answer.UNCLOSED_THINK),
    "cut while answering": ("<think>x</think><answer>do", answer.UNCLOSED_ANSWER),
    "only a close": ("dog</answer>", answer.NO_ANSWER),
    "empty": ("<answer></answer>", answer.EMPTY_ANSWER),
    "blank": ("<answer> \n\u00a0</answer>", answer.EMPTY_ANSWER),
    "empty after a full one": ("<answer>dog</answer><answer></answer>", answer.EMPTY_ANSWER),
    "question marks": ("<answer>???</answer>", answer.NO_WORD),
    "zero-width": ("<answer>\u200b\u200d</answer>", answer.NO_WORD),
    "emoji": ("<answer>🐶</answer>", answer.NO_WORD),
    "essay": (f"<answer>{'dog ' * 200}</answer>", answer.TOO_LONG),
    "misspelt tag": ("<anwser>dog</anwser>", answer.NO_ANSWER),
    "box only while thinking": (r"<think>\boxed{dog}</think> done", answer.NO_ANSWER),
    "box that is cut": (r"<think>x</think>\boxed{do", answer.NO_ANSWER),
    "empty box": (r"<answer>\boxed{}</answer>", answer.EMPTY_ANSWER),
    "prose with braces": ("It is {a dog}.", answer.NO_ANSWER),
}


for _kept in ("JSON of several", "JSON that says nothing"):
    READ[_kept] = (READ[_kept][0], re.sub("</?answer>", "", READ[_kept][1]))


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_reads(text, expected):
    assert extract_answer(text) == Answer(expected)


@pytest.mark.parametrize(("text", "reason"), UNREAD.values(), ids=UNREAD)
def test_does_not_read(text, reason):
    assert extract_answer(text) == Unparsed(reason)


def test_thinking_opened_by_the_template_must_end():
    text = "it may be <answer>dog</answer>"
    assert extract_answer(text, thinking_opened=True) == Unparsed(answer.UNCLOSED_THINK)
    assert extract_answer("hm</think>" + text, thinking_opened=True) == Answer("dog")


def test_length_counts_characters_after_trimming():
    assert extract_answer("<answer>  éclair  </answer>", max_chars=6) == Answer("éclair")
    assert extract_answer("<answer>éclairs</answer>", max_chars=6) == Unparsed(answer.TOO_LONG)
    with pytest.raises(ValueError, match="max_chars: expected an int >= 1, got 0"):
        extract_answer("", max_chars=0)


PIECES = st.sampled_from(
    ["<think>", "</think>", "<answer>", "</answer>", "<ANSWER>", "dog", "cat 9", " ", "?", "<", "/"]
)
COMPLETIONS = st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join)


def slow_extract(text: str) -> str | None:
    """The last pair, found from the end with string methods alone; None if unparsed."""
    lower = re.sub(r"<(/?)(think|answer)\s*>", r"<\1\2>", text.lower())
    if len(lower) != len(text):
        return slow_extract(lower) if lower != text else None
    if "<think>" in lower and lower.rfind("<think>") > lower.rfind("</think>"):
        return None
    region, lower = text[lower.rfind("</think>") + 1 :], lower[lower.rfind("</think>") + 1 :]
    while "</answer>" in lower:
        end = lower.rfind("</answer>")
        start = lower.rfind("<answer>", 0, end)
        between = lower[start + len("<answer>") : end]
        if start >= 0 and "</answer>" not in between:
            content = region[start + len("<answer>") : end].strip()
            return content if any(map(str.isalnum, content)) and len(content) <= 512 else None
        region, lower = region[:end], lower[:end]
    return None


@settings(deadline=None)
@given(st.lists(PIECES).map("".join))
def test_equals_slow_search_from_the_end(text):
    result = extract_answer(text)
    assert (result.text if isinstance(result, Answer) else None) == slow_extract(text)


@settings(deadline=None)
@given(COMPLETIONS, st.integers(1, 50), st.booleans())
def test_answer_is_trimmed_short_and_from_the_text(text, max_chars, thinking_opened):
    result = extract_answer(text, max_chars, thinking_opened)
    if isinstance(result, Answer):
        assert result.text
        assert result.text == result.text.strip()
        assert len(result.text) <= max_chars
        assert result.text in text
        assert any(map(str.isalnum, result.text))


def test_a_thought_that_the_template_opened_and_nothing_closed_is_all_there_is():
    text = "it may be a <answer>dog</answer>, but"
    assert thinking(text) == "it may be a"
    assert thinking(text, thinking_opened=True) == "it may be a dog, but"
    assert thinking("hm</think><answer>dog</answer>", thinking_opened=True) == "hm"


@settings(deadline=None)
@given(st.text(), COMPLETIONS)
def test_thinking_is_never_the_answer(before, thought):
    text = f"{before}<think>{thought}<answer>secret</answer>{thought}</think>"
    assert isinstance(extract_answer(text), Unparsed)
    assert extract_answer(text + "<answer>said</answer>") == Answer("said")


LONG = ["<answer>", "</answer>", "<think>", "<answer" + " " * 99, "<", "\\boxed{", "\\boxed{{}"]
LONG += ["<|begin_of_box|>", "<box>1", "(1,2),", "```json ", '{"', '"\\"', "<|im_end|> ", "$", ", "]


@pytest.mark.parametrize("piece", LONG)
def test_long_texts_take_linear_time(piece):
    start = time.process_time()
    extract_answer(piece * 30_000)
    extract_answer(f"<answer>{piece * 30_000}</answer>")
    assert time.process_time() - start < 5


@settings(deadline=None)
@given(st.text())
def test_key_is_idempotent_and_ignores_white_space(text):
    key = answer_key(text)
    assert answer_key(key) == key
    assert answer_key(f"\n {text}\u00a0") == key
    assert key == " ".join(key.split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Citroën", "CITROE\u0308N"),
        ("Straße", "STRASSE"),
        ("ﬁnch", "finch"),
        ("Boeing\u3000 707", "boeing 707"),
        ("\uff21\uff13\uff12\uff10", "a320"),
    ],
)
def test_key_folds(one, other):
    assert answer_key(one) == answer_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("F/A-18", "F A 18"), ("16.4", "16 4"), ("a or b", "a b"), ("Citroën", "Citroen")],
)
def test_key_keeps_apart(one, other):
    assert answer_key(one) != answer_key(other)
