import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.answer import answer_key
from speciarl_pl.text import tidy

PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
"""Spelt with a zero-width non-joiner."""
INVISIBLE = {
    "zero-width space": "\u200b",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "word joiner": "\u2060",
    "left-to-right mark": "\u200e",
    "right-to-left override": "\u202e",
    "isolate": "\u2068",
    "joiner": "\u200d",
    "NUL": "\0",
    "C1 control": "\u0090",
    "Hangul filler": "\u3164",
}


@pytest.mark.parametrize("mark", INVISIBLE.values(), ids=INVISIBLE)
def test_what_cannot_be_seen_goes(mark):
    assert tidy(f"{mark}Black{mark}bird{mark}") == "Blackbird"
    assert answer_key(f"{mark}Black{mark}bird") == answer_key("blackbird")


@pytest.mark.parametrize(
    "blank", ["\u00a0", "\u2009", "\u3000", "\t", "\n", "\r\n", "   ", "&nbsp;", "&#160;"]
)
def test_every_blank_is_one_blank(blank):
    assert tidy(f"{blank}Maine{blank}Coon{blank}") == "Maine Coon"
    assert answer_key(f"Maine{blank}Coon") == "maine coon"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Citro&euml;n", "Citroën"),
        ("Citro&#235;n", "Citroën"),
        ("Citro&#xEB;n", "Citroën"),
        ("M&amp;amp;M&#39;s", "M&M's"),
        ("AT&T", "AT&T"),
        ("&nothing;", "&nothing;"),
        ("&notit;", "&notit;"),
        ("R&D; more", "R&D; more"),
        ("&copy 2020", "&copy 2020"),
    ],
)
def test_entities_are_read_and_what_is_none_stays(written, read):
    assert tidy(written) == read
    assert answer_key(written) == answer_key(read)


@pytest.mark.parametrize(
    "label",
    [
        "F/A-18",
        "16.4",
        unicodedata.normalize("NFD", "Citroën"),
        "ヒツジ 羊",
        PERSIAN,
        "क्\u200dष",
        "so-called “tiger” — №1",
    ],
)
def test_what_shows_stays_as_written(label):
    assert tidy(label) == label


def test_a_joiner_makes_no_other_answer():
    assert answer_key(PERSIAN) == answer_key(PERSIAN.replace("\u200c", ""))


@given(st.text())
def test_once_is_enough(text):
    once = tidy(text)
    assert tidy(once) == once
    assert answer_key(once) == answer_key(text)


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="&;")))
def test_letters_digits_and_marks_are_never_lost(text):
    bare = "".join(unescape(text).split())
    kept = "".join(tidy(text).split())
    fillers = "\u115f\u1160\u3164\uffa0"
    assert kept == "".join(one for one in bare if one not in fillers)
