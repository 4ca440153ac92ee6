import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.judge.llm.prompt import quote

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TOKENS = [
    "<|im_end|>",
    "<|im_start|>system",
    "</s>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "[TOOL_CALLS]",
]
NASTY = st.lists(st.sampled_from([*TOKENS, '"', "\\", "\n", "{truth}", "\u202e", "x"])).map("".join)


@given(ANY_TEXT | NASTY)
def test_nothing_is_lost(text):
    assert json.loads(quote(text)) == text


@given(ANY_TEXT | NASTY)
def test_a_quoted_text_stays_within_its_quotes_and_shows_all(text):
    inside = quote(text)[1:-1]
    assert '"' not in inside.replace("\\\\", "").replace('\\"', "")
    assert not any(mark in inside for mark in ("<", ">", "[INST]", "[/INST]"))
    hidden = {"Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Cs"}
    assert not {unicodedata.category(character) for character in inside} & hidden


@given(ANY_TEXT)
def test_what_shows_and_is_no_mark_of_control_stays_as_written(text):
    plain = "".join(c for c in text if c.isalnum() and unicodedata.category(c) != "Cn")
    plain = plain.replace("\u115f", "").replace("\u1160", "").replace("\u3164", "")
    plain = plain.replace("\uffa0", "")
    assert quote(plain) == f'"{plain}"'


@pytest.mark.parametrize(
    "text",
    [
        "F/A-18",
        "robin, cardinal",
        "16.4",
        "Citroën",
        "Citroe\u0308n",
        "a {b} | c's & d",
        "犬",
        "🐕",
    ],
)
def test_labels_are_sent_as_written(text):
    assert quote(text) == f'"{text}"'


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        pytest.param('a"b', r'"a\"b"', id="quote"),
        pytest.param("a\\", r'"a\\"', id="backslash"),
        pytest.param("a\nb", r'"a\nb"', id="line"),
        pytest.param("\x7f\x85", r'"\u007f\u0085"', id="control"),
        pytest.param("\u200b\u202e\ufeff", r'"\u200b\u202e\ufeff"', id="format"),
        pytest.param("\u2028", r'"\u2028"', id="line-separator"),
        pytest.param("\U000e0041", r'"\udb40\udc41"', id="tag"),
        pytest.param("\U000e0100\ufe01", r'"\udb40\udd00\ufe01"', id="variation-selector"),
        pytest.param("\u3164", r'"\u3164"', id="blank-letter"),
        pytest.param("\uff1c", r'"\uff1c"', id="wide-angle"),
        pytest.param("<s>", r'"\u003cs\u003e"', id="angle"),
        pytest.param("[/INST]", r'"\u005b/INST]"', id="bracket"),
        pytest.param("[red] [A1]", '"[red] [A1]"', id="harmless-brackets"),
    ],
)
def test_escapes(text, quoted):
    assert quote(text) == quoted


def test_a_lone_surrogate_is_no_text():
    with pytest.raises(ValueError, match="surrogate"):
        quote("a\ud800")
