from speciarl_pl.data.skipped import add_skipped, summarise
from speciarl_pl.records import SkippedSample


def _skipped(number, dataset="pets"):
    return SkippedSample(str(number), dataset, f"{number}.jpg: an empty file")


def test_each_is_noted_once():
    known = [_skipped(1)]
    add_skipped(known, [_skipped(1), _skipped(2), _skipped(2), _skipped(1, "flowers")])
    assert known == [_skipped(1), _skipped(2), _skipped(1, "flowers")]


def test_summary_names_and_counts():
    text = summarise([_skipped(number) for number in range(5)], named=3)
    assert text.splitlines()[0] == "5 sample(s) could not be read and were skipped:"
    assert "pets: 2.jpg: an empty file" in text
    assert "3.jpg" not in text
    assert text.endswith("and 2 more")


def test_nothing_to_say():
    assert summarise([]) == ""
