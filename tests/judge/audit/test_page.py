import re
from html.parser import HTMLParser

import pytest

from speciarl_pl.category import Category
from speciarl_pl.judge import ExactJudge
from speciarl_pl.judge.audit import LabelledPair, PairFile, audit, html_report, to_json
from speciarl_pl.records import Pair

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></td></table><b>",
    "&lt;already&gt; {{ 7 * 7 }} {% raw %}",
    "\x1b[31m\u202edet\nsrever\x00",
]
ROWS = tuple(
    LabelledPair(Pair(f"truth {text}", text), line, f"set {text}", Category.GENERIC)
    for line, text in enumerate(NASTY)
)
VOID = {"meta"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; every tag must be closed where it should."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text += data


def page_of(*rows, name="pairs.csv", names=None, **kwargs) -> tuple[str, Page]:
    report = audit(ExactJudge(), PairFile(name, len(rows), rows), names=names, **kwargs)
    html = html_report(to_json(report))
    return html, Page(html)


def test_the_page_is_whole_and_loads_nothing():
    html, page = page_of(*ROWS, against=ExactJudge())

    assert not page.tags & {"script", "link", "img", "iframe", "form", "a", "object", "base"}
    assert not {name for name, _ in page.attributes} & {"src", "href", "action", "srcset"}
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in dict(page.attributes).values() or "default-src 'none'" in html
    assert ("name", "viewport") in page.attributes
    assert "prefers-color-scheme: dark" in html


@pytest.mark.parametrize("text", NASTY)
def test_foreign_text_stays_text(text):
    _, plain = page_of(LabelledPair(Pair("truth", "plain"), 1, "set", Category.GENERIC))
    row = LabelledPair(Pair(f"truth {text}", text), 1, f"set {text}", Category.GENERIC)

    html, page = page_of(row, name=f"{text}.csv", names=(text, "other"))

    assert page.tags == plain.tags
    assert {name for name, _ in page.attributes} == {name for name, _ in plain.attributes}
    written = text.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e").replace("\n", "\\n")
    assert page.text.count(written.replace("\x00", "\\x00")) >= 4
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", html)


def test_long_lists_are_cut_and_say_so():
    rows = [LabelledPair(Pair("a", f"b{n}"), n, "", Category.GENERIC) for n in range(1234)]

    html, page = page_of(*rows)

    assert "Disagreements: 1,234" in page.text
    assert "The first 100 of 1,234; the JSON file has them all." in page.text
    assert "b99" in html
    assert "b100" not in html


def test_a_page_of_no_pairs_shows_dashes():
    _, page = page_of()

    assert "\u2013 (0 of 0)" in page.text
    assert "No labels and no second judge" in page.text
    assert "nan" not in page.text.lower()
    assert "None" not in page.text


def test_the_confusion_matrix_is_coloured_by_its_place():
    rows = [
        LabelledPair(Pair("a", "a"), 1, "", Category.SPECIFIC),
        LabelledPair(Pair("a", "b"), 2, "", Category.SPECIFIC),
    ]

    html, _ = page_of(*rows)

    agreement = html[html.index("<h2>Agreement") : html.index("<h2>Asymmetry")]
    assert '<td class="good" style="--heat:0.5">1</td>' in agreement
    assert '<td class="bad" style="--heat:0.5">1</td>' in agreement
