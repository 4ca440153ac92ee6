"""The pages in a real browser: they draw, filter, save, and ask for nothing."""

import csv
import io
import json
import re
from collections import Counter

import numpy as np
import pytest
from browser import Visit, chromium
from PIL import Image

from speciarl_pl.category import Category
from speciarl_pl.report import PhotoPrediction, write_photos_page, write_report

from . import report_runs as made
from .plane_labels import MARKS, NAMES, boxes, covering

pytestmark = pytest.mark.slow

SETS = (made.FLOWERS, made.CARS)
NASTY = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made.write_run(tmp_path_factory.mktemp("runs") / "birds", images=100)


@pytest.fixture(scope="module")
def report(run):
    write_report([run], run / "report.html")
    return run / "report.html"


@pytest.fixture(scope="module")
def desktop(browser, report):
    with Visit(browser, report) as visit:
        visit.page.wait_for_selector("html[data-drawn]")
        yield visit


@pytest.fixture
def page(desktop):
    """The page with nothing filtered."""
    for name in ("select[data-filter]", "#verdict"):
        desktop.page.select_option(name, "")
    desktop.page.select_option("#side", label="trained")
    desktop.page.uncheck("input[value=changed]")
    desktop.page.fill("#search", "")
    return desktop.page


def codes(seed, stage):
    """What the run of the tests answers, by data set."""
    weights = {"base": [1, 3, 1, 8, 4, 2, 0], "val": [0, 3, 1, 2, 3, 9, 1]}[stage]
    return {
        name: [row[0] for row in made.draw_codes(100, 1, weights, f"{seed} {stage} {name}")]
        for name in SETS
    }


def shown(page):
    """Number of visible cards, which is also what the page says."""
    visible = page.locator(".card:visible").count()
    assert page.inner_text("#count") == f"{visible} of {page.locator('.card').count()} shown"
    return visible


def colours(locator):
    """Colours of the pixels of an element, with how many there are."""
    image = Image.open(io.BytesIO(locator.screenshot())).convert("RGB")
    pixels, counts = np.unique(np.asarray(image).reshape(-1, 3), axis=0, return_counts=True)
    return Counter(dict(zip(map(tuple, pixels.tolist()), counts.tolist(), strict=True)))


def near(found, wanted):
    """Pixels of nearly a colour."""
    rgb = tuple(int(wanted[i : i + 2], 16) for i in (1, 3, 5))
    return sum(n for pixel, n in found.items() if max(map(abs, np.subtract(pixel, rgb))) <= 8)


def test_the_page_is_small_asks_for_nothing_and_says_nothing(desktop, report):
    assert report.stat().st_size < 5_000_000
    assert desktop.page.locator(".card img").count() == 200
    assert desktop.fetched == [report.as_uri()]
    assert desktop.said == []


def test_every_plot_is_drawn(desktop):
    places = desktop.page.locator("[data-spec]")
    assert places.count() == int(desktop.page.get_attribute("html", "data-drawn")) == 11
    for place in places.all():
        assert place.get_attribute("aria-label")
        assert place.locator("svg path, svg line").count() > 5


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("#plane .plot", ["#7f8790", "#0072b2"]),
        ("#categories .plot >> nth=0", ["#d55e00", "#b3dbe6", "#2b79bd"]),
        ("#training .plot >> nth=1", ["#d55e00", "#2b79bd"]),
    ],
    ids=["plane", "bars", "training"],
)
def test_plots_show_the_colours_of_their_legend(desktop, selector, wanted):
    found = colours(desktop.page.locator(selector))
    assert len(found) > 20
    for colour in wanted:
        assert near(found, colour) > 40, colour


def test_the_bars_are_as_long_as_the_shares(desktop):
    bars = desktop.page.locator("#categories .plot").first
    whole = 0.0
    for verdict in ("wrong", "unparsed", "abstain", "generic", "less specific", "specific"):
        bar = bars.locator(f"path[aria-label*='stage: base; verdict: {verdict};']")
        length = float(re.search(r"h([\d.]+)v", bar.get_attribute("d"))[1])
        code = -1 if verdict == "unparsed" else Category.parse(verdict)
        whole += length
        assert length / codes(0, "base")[made.FLOWERS].count(code) == pytest.approx(3.2, abs=0.2)
    assert whole == pytest.approx(320, abs=20)


def test_filter_by_data_set(page):
    assert shown(page) == 200
    page.select_option("select[data-filter]", label=made.CARS)
    assert shown(page) == 100
    assert set(page.locator(".card:visible .set").all_inner_texts()) == {made.CARS}


@pytest.mark.parametrize(("side", "stage"), [("trained", "val"), ("base", "base")])
def test_filter_by_category(page, side, stage):
    page.select_option("#verdict", label="specific")
    page.select_option("#side", label=side)
    wanted = sum(row.count(Category.SPECIFIC) for row in codes(0, stage).values())
    assert 0 < shown(page) == wanted


def test_filter_by_change_and_all_together(page):
    base, trained = codes(0, "base"), codes(0, "val")
    pairs = {name: list(zip(base[name], trained[name], strict=True)) for name in SETS}
    page.click("input[value=changed]")
    assert shown(page) == sum(a != b for rows in pairs.values() for a, b in rows)
    page.select_option("select[data-filter]", label=made.FLOWERS)
    page.select_option("#verdict", label="specific")
    assert shown(page) == sum(a != b == Category.SPECIFIC for a, b in pairs[made.FLOWERS])


def test_search(page):
    page.fill("#search", "TRUTH 42")
    assert shown(page) == 2
    page.fill("#search", "no such thing")
    assert shown(page) == 0


def test_the_keyboard_reaches_the_filters_and_the_answers(page):
    page.focus("#side")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert shown(page) < 200
    first = page.locator(".card:visible details").first
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert "petals" in first.locator("p").inner_text() or "hard to tell" in first.inner_text()


def test_pictures_are_shown(page):
    picture = page.locator(".card img").nth(150)
    picture.scroll_into_view_if_needed()
    picture.evaluate("image => image.decode()")
    assert picture.evaluate("image => image.naturalWidth") == 192
    assert len(colours(picture)) > 500


def test_numbers_are_saved(page, desktop, run):
    numbers = json.loads(desktop.saved("a[download='numbers.json']"))
    for name, file in (("base", "results.base.json"), ("trained", "results.json")):
        assert numbers[name]["datasets"] == json.loads((run / file).read_text())["datasets"]
    rows = list(csv.DictReader(io.StringIO(desktop.saved("a[download='numbers.csv']"))))
    row = next(r for r in rows if (r["scope"], r["stage"]) == (made.CARS, "trained"))
    wanted = numbers["trained"]["datasets"][made.CARS]
    assert float(row["hm"]) == wanted["hm"]
    assert [float(row["hm_low"]), float(row["hm_high"])] == wanted["ci95"]["hm"]


def test_the_rollouts_shown_are_saved(page, desktop):
    page.select_option("#verdict", label="abstain")
    count = shown(page)
    rows = json.loads(desktop.saved("[data-save=json]"))
    assert len(rows) == 2 * count > 0
    assert {row["verdict"] for row in rows if row["model"] == "trained"} == {"abstain"}
    table = list(csv.DictReader(io.StringIO(desktop.saved("[data-save=csv]"), newline="")))
    assert [row["answer"] for row in table] == [row["answer"] or "" for row in rows]


def test_a_phone_shows_it_without_scrolling_sideways(browser, report):
    with Visit(browser, report, width=390, height=844) as visit:
        visit.page.wait_for_selector("html[data-drawn]")
        assert visit.overflow() <= 0
        assert visit.page.locator("#plane .plot svg").bounding_box()["width"] <= 390
        assert near(colours(visit.page.locator("#plane .plot")), "#0072b2") > 40
        assert near(colours(visit.page.locator("#categories .plot").first), "#d55e00") > 100
        visit.page.click(".filters summary")
        visit.page.select_option("select[data-filter]", label=made.CARS)
        assert shown(visit.page) == 100
        card = visit.page.locator(".card:visible").first
        card.scroll_into_view_if_needed()
        assert len(colours(card)) > 500
        assert visit.said == []


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """Two runs on seven data sets, whose points lie close to each other, with long names."""
    folder = tmp_path_factory.mktemp("crowded")
    names = [
        made.FLOWERS,
        *(f"birds of the {where} garden" for where in ["north", "south", "west"]),
    ]
    names += [f"cars {year} and others" for year in (1990, 2000, 2010)]
    for run in ("one", "two"):
        (folder / run).mkdir()
        for place, file in enumerate(("results.base.json", "results.json")):
            weights = [0, 3, 1, 8 - 2 * place, 4, 2 + 2 * place, 0]
            codes = {n: made.draw_codes(400, 1, weights, f"{run} {n} {place}") for n in names}
            made.write_results(folder / run / file, codes)
    write_report([folder / "one", folder / "two"], folder / "r.html")
    return folder / "r.html"


@pytest.mark.parametrize("width", [1280, 390])
def test_no_name_in_the_plane_covers_another_or_a_mark(browser, crowded, width):
    with Visit(browser, crowded, width=width) as visit:
        visit.page.wait_for_selector("html[data-drawn]")
        frame = boxes(visit.page, "#plane .root.role-frame .background")[0][1:]
        seen = boxes(visit.page, NAMES)
        assert len(boxes(visit.page, MARKS)) >= 36
        assert len(seen) >= (8 if width > 1000 else 5)
        assert covering(visit.page) == []
        for _, left, top, right, bottom in seen:
            assert frame[0] <= left < right <= frame[2]
            assert frame[1] <= top < bottom <= frame[3]
        hidden = visit.page.locator(NAMES).count() - len(seen)
        said = visit.page.inner_text("#unplaced")
        counted = int(said.split()[0]) if said else 0
        assert hidden >= counted
        visit.page.set_viewport_size({"width": width - 70, "height": 900})
        visit.page.wait_for_timeout(300)
        assert covering(visit.page) == []
        assert visit.said == []


def test_a_phone_says_where_a_table_goes_on(browser, report):
    with Visit(browser, report, width=390, height=844) as visit:
        table = visit.page.locator("#numbers .wide").first
        hint = table.locator(".swipe")
        table.scroll_into_view_if_needed()
        assert hint.is_visible()
        before = colours(table)
        table.locator(".scroll").evaluate("one => one.scrollLeft = one.scrollWidth")
        visit.page.wait_for_selector("#numbers .wide[data-more=no]")
        assert not hint.is_visible()
        assert len(before) > len(colours(table)), "the shadow is gone"
    with Visit(browser, report) as visit:
        assert not visit.page.locator(".swipe").first.is_visible()


def test_a_phone_shows_the_pictures_before_the_boxes(browser, report):
    with Visit(browser, report, width=390, height=844) as visit:
        title = visit.page.locator("#gallery h2").bounding_box()
        card = visit.page.locator(".card").first.bounding_box()
        assert card["y"] - title["y"] < 300
        assert not visit.page.locator("#search").is_visible()


def test_the_dark_page_is_dark_and_follows_the_system(browser, report):
    with Visit(browser, report, scheme="dark") as visit:
        visit.page.wait_for_selector("html[data-drawn]")
        plane = visit.page.locator("#plane .plot")
        assert colours(plane).most_common(1)[0][0] == (0x14, 0x17, 0x1A)
        visit.page.emulate_media(color_scheme="light")
        visit.page.wait_for_selector("#plane text[fill='#59636e']", state="attached")
        assert colours(plane).most_common(1)[0][0] == (255, 255, 255)


def test_several_runs_with_hostile_names_and_answers(browser, run, tmp_path):
    other = made.write_run(tmp_path / "other", images=6, samples=4, seed=3, pictures=False)
    made.write_results(other / "results.json", {NASTY: [[0] * 4] * 6})
    made.write_rollouts(
        other / "rollouts.parquet",
        {"val": {NASTY: [[0] * 4] * 6}},
        truth=lambda dataset, place: NASTY,
        text=lambda *_: {"text": f"<think>{NASTY}</think><answer>x</answer>", "answer": NASTY},
    )
    made.write_thumbnails(other / "thumbnails.parquet", [(NASTY, place) for place in range(6)])
    (other / "config.yaml").write_text(f"name: {NASTY}\n")
    write_report([run, other], tmp_path / "r.html", ["first", NASTY], images=20)
    with Visit(browser, tmp_path / "r.html", width=390, height=844) as visit:
        visit.page.wait_for_selector("html[data-drawn]")
        for place in visit.page.locator("#plane .plot path[aria-label]").all()[:3]:
            place.hover(force=True)
        visit.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert visit.page.evaluate("window.hacked") is None
        assert visit.said == []
        assert visit.fetched == [(tmp_path / "r.html").as_uri()]
        assert visit.overflow() <= 0
        assert visit.page.locator(f".card h3:text-is({json.dumps(NASTY)})").count() > 0
        visit.page.evaluate("document.querySelector('.filters details').open = true")
        visit.page.fill("#search", "onerror")
        rows = json.loads(visit.saved("[data-save=json]"))
        assert NASTY in {row["answer"] for row in rows}


def test_photos(browser, tmp_path):
    photos = [
        PhotoPrediction("a.jpg", "a.jpg", "Samoyed", False, 0.9, [("Samoyed", 9), ("dog", 1)], ""),
        PhotoPrediction("b.jpg", "b.jpg", None, True, 0.4, [("none", 4), ("cat", 3)], NASTY),
        PhotoPrediction("c.jpg", "c.jpg", NASTY, False, 0.3, [(NASTY, 3), (None, 2)], "t"),
        PhotoPrediction(
            "d.jpg", "d.jpg", None, False, 1.0, [(None, 2)], "", "", made.photograph(1)
        ),
        PhotoPrediction("e.jpg", "e.jpg", None, False, None, [], "", f"e.jpg: empty {NASTY}"),
    ]
    ran = {"base": "world", "prompt": "mine", "prompt text": "What is this?", "seed": NASTY}
    write_photos_page(tmp_path / "photos.html", photos, total=9, ran=ran)
    with Visit(browser, tmp_path / "photos.html", width=390, height=844) as visit:
        assert "5 of 9 photos shown" in visit.page.inner_text("header")
        assert visit.page.locator(".card").first.bounding_box()["y"] < 400
        assert not visit.page.locator("#search").is_visible(), "the boxes come when asked for"
        assert "By base world, prompt mine." in visit.page.inner_text("header")
        assert "What is this?" in visit.page.text_content("#ran pre")
        visit.page.click(".filters summary")
        wanted = {"": 5, "answered": 2, "abstained": 1, "unread": 1, "broken": 1, "low": 2}
        for value, count in wanted.items():
            visit.page.select_option("select[data-filter]", value)
            assert shown(visit.page) == count
        assert visit.overflow() <= 0
        assert visit.page.evaluate("window.hacked") is None
        assert visit.said == []
        assert visit.fetched == [(tmp_path / "photos.html").as_uri()]
