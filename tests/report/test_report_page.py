"""The page as text; tests/report/test_report_browser.py opens it."""

import json
import re
import time
from html.parser import HTMLParser

import pytest
import yaml

from speciarl_pl.report import PUBLISHED, html_report, read_runs, write_report
from speciarl_pl.report.templates import script
from speciarl_pl.run.results import RATES

from . import report_runs as made

VOID = {"meta", "link", "img", "input", "br"}
NASTY = (
    "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[31m\u202e{{ 7 * 7 }}"
)


class Page(HTMLParser):
    """Tags and text of a page; every tag must be closed where it should."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" not in self.open and "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        made.write_run(folder / name, images=6, samples=4, seed=name) for name in ("one", "two")
    ]


@pytest.fixture(scope="module")
def both(runs):
    return page_of(runs)[1]


def page_of(paths, **options):
    html = html_report(read_runs(paths), **options)
    return html, Page(html)


def test_the_page_is_whole_and_loads_nothing(both):
    page = both
    links = [v for _, name, v in page.attributes if name in ("src", "href", "action", "srcset")]
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not {"iframe", "form", "object", "base"} & set(page.tags)
    assert "url(" not in script("style.css.jinja")
    policy = next(v for _, _, v in page.attributes if v and "default-src" in v)
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert re.search(r"script-src( 'sha256-[\w+/=]+'){4};", policy)


def test_parts(both):
    page = both
    sections = [v for tag, name, v in page.attributes if (tag, name) == ("section", "id")]
    assert sections == [
        *["settings", "numbers", "plane", "categories", "best-of-k", "comparison", "paper"],
        *["training", "gallery", "config"],
    ]
    anchors = {v for tag, name, v in page.attributes if (tag, name) == ("a", "href")}
    assert {f"#{name}" for name in sections} <= anchors
    assert "one: base" in page.text
    assert "majority: HM" in page.text
    assert "older: textual inclusion" in page.text
    assert "not measured here" in page.text
    beside = [row for row in PUBLISHED if row.group == "fine_grained"]
    assert page.text.count("published") >= len(beside)
    assert "Very fine-grained: mean of" not in page.text, "nothing was measured to stand beside it"
    assert "very-secret" not in page.text


@pytest.mark.slow
def test_a_run_of_which_only_numbers_are_known(runs):
    _, page = page_of([runs[0] / "results.json", runs[1]])
    assert "counts alone, unpaired" in page.text
    _, page = page_of([runs[0] / "results.json"])
    sections = [v for tag, name, v in page.attributes if (tag, name) == ("section", "id")]
    assert sections == ["numbers", "plane", "categories", "best-of-k", "paper"]


def test_the_table_has_every_number(both, runs):
    results = json.loads((runs[0] / "results.json").read_text())
    for result in [*results["datasets"].values(), results["macro"], *results["groups"].values()]:
        for name in RATES:
            assert f"{result[name]:.3f}" in both.text


def test_an_undefined_number_is_a_dash(tmp_path):
    made.write_results(tmp_path / "results.json", {"birds": [[0], [1]]})
    _, page = page_of([tmp_path])
    assert "\u2013" in page.text
    assert "No model has both values." in page.text
    assert "None" not in page.text
    assert "nan" not in page.text.lower()


def test_a_run_without_a_single_verdict(tmp_path):
    made.write_results(tmp_path / "results.json", {"birds": [[-2]], "none": [[]]})
    made.write_rollouts(tmp_path / "rollouts.parquet", {"val": {"birds": [[-2]]}})
    _, page = page_of([tmp_path, tmp_path / "results.json"], images=0)
    assert "No model has both values." in page.text
    assert "counts alone, unpaired" in page.text


def test_foreign_text_stays_text(tmp_path):
    def run(name, word):
        folder = made.write_run(tmp_path / name, images=2, base=False, pictures=False)
        made.write_results(folder / "results.json", {word: [[0], [4]]})
        made.write_rollouts(
            folder / "rollouts.parquet",
            {"val": {word: [[0], [4]]}},
            truth=lambda dataset, place: word,
            text=lambda *_: {"text": f"<think>{word}</think><answer>x</answer>", "answer": word},
        )
        spec = {"class_path": word, "init_args": {word: word}}
        data = {"prompt": word, "judge": spec, "val": [spec]}
        config = {"model": {"base": word, "adapter": word}, "data": data, "seed_everything": word}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        return folder

    plain = html_report(read_runs([run("plain", "word")], ["word"]))
    html = html_report(read_runs([run("nasty", NASTY)], [NASTY]))
    page = Page(html)
    assert page.tags == Page(plain).tags
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", html[: html.index("<script>")])
    assert page.text.count("{{ 7 * 7 }}") >= 8
    assert "<script>alert" not in html
    assert "<!--" not in html


@pytest.mark.slow
def test_a_page_of_a_small_run_is_quick(runs, tmp_path):
    write_report(runs[:1], tmp_path / "warm.html")
    start = time.perf_counter()
    write_report(runs[:1], tmp_path / "report.html")
    assert time.perf_counter() - start < 3
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_what_was_skipped_cut_and_left_out_is_shown(tmp_path):
    left = {"skipped": {"count": 60, "samples": [{"id": "a", "reason": f"{NASTY}: empty"}]}}
    extra = {"birds": {"cut": 1, **left}, "none": left}
    made.write_results(tmp_path / "results.json", {"birds": [[4], [-1]], "none": [[]]}, extra)
    _, page = page_of([tmp_path])
    assert "60 skipped, 50.0 % unparsed, 50.0 % cut" in page.text
    assert "cut: rollouts ended by rollout.val_sampling.max_new_tokens;" in page.text
    assert "left out of the means: none (no image that was read)" in page.text
    assert ": empty" in page.text
    assert "and 59 more" in page.text
    assert "img" not in page.tags
