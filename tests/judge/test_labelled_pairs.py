"""The packaged taxonomies against pairs labelled by hand, before their author saw a taxonomy.

`labelled_pairs.csv` holds dataset, truth, prediction, category and a note where the label is not
obvious. The labels say what is true, not what a taxonomy knows. The same author labelled all pairs
a second time in mixed order.
"""

import csv
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from speciarl_pl.answer import answer_key
from speciarl_pl.category import Category
from speciarl_pl.judge import TaxonomyJudge
from speciarl_pl.records import Judgement, Pair, Verdict

TABLE = Path(__file__).with_name("labelled_pairs.csv")
COLUMNS = ["dataset", "truth", "prediction", "category", "note"]
DATASETS = ["cub", "fgvc_aircraft", "stanford_cars", "flowers102", "food101", "oxford_pets"]


class Labelled(NamedTuple):
    """One row of the table."""

    dataset: str
    pair: Pair
    category: Category


class Judged(NamedTuple):
    """A row with what the taxonomy of its data set says."""

    row: Labelled
    judgement: Judgement

    @property
    def category(self) -> Category | None:
        return self.judgement.category if isinstance(self.judgement, Verdict) else None

    @property
    def agrees(self) -> bool:
        return self.category is self.row.category

    @property
    def praises_wrong(self) -> bool:
        found = self.category
        return self.row.category is Category.WRONG and found is not None and found.is_correct

    def __str__(self) -> str:
        (dataset, pair, expected), got = self.row, self.judgement
        said = f"{got.category.label} ({got.source})" if isinstance(got, Verdict) else got.reason
        return (
            f"{dataset}: truth {pair.truth!r}, prediction {pair.prediction!r}: "
            f"expected {expected.label}, got {said}"
        )


@cache
def raw_rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@cache
def judged(dataset: str) -> list[Judged]:
    rows = [
        Labelled(dataset, Pair(raw["truth"], raw["prediction"]), Category.parse(raw["category"]))
        for raw in raw_rows()
        if raw["dataset"] == dataset
    ]
    judge = TaxonomyJudge(dataset, unknown="unjudged")
    judgements = judge.judge([row.pair for row in rows])
    return [Judged(*both) for both in zip(rows, judgements, strict=True)]


def accuracy(results: list[Judged]) -> float:
    """Share of pairs whose category is the labelled one; an unjudged pair is a miss."""
    return sum(result.agrees for result in results) / len(results)


def listing(results: list[Judged]) -> str:
    return "\n".join(["", *(str(result) for result in results if not result.agrees)])


def test_the_table_is_utf8_with_unix_line_ends_and_the_five_columns():
    assert b"\r" not in TABLE.read_bytes()
    assert list(raw_rows()[0]) == COLUMNS
    assert all(None not in row and None not in row.values() for row in raw_rows())


def test_the_table_holds_at_least_300_pairs_and_50_of_each_data_set():
    sizes = Counter(row["dataset"] for row in raw_rows())

    assert sizes.total() >= 300
    assert sorted(sizes) == sorted(DATASETS)
    assert min(sizes.values()) >= 50


def test_every_row_is_filled_trimmed_and_has_a_category():
    for row in raw_rows():
        assert all(cell == cell.strip() for cell in row.values()), row
        assert row["truth"], row
        assert row["prediction"], row
        Category.parse(row["category"])


def test_no_pair_comes_twice():
    keys = Counter(
        (row["dataset"], answer_key(row["truth"]), answer_key(row["prediction"]))
        for row in raw_rows()
    )

    assert [key for key, count in keys.items() if count > 1] == []


def test_every_category_occurs_in_every_data_set():
    found = {(row["dataset"], row["category"]) for row in raw_rows()}

    assert found == {(dataset, category.label) for dataset in DATASETS for category in Category}


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_taxonomy_agrees_with_nine_of_ten_labels(dataset):
    results = judged(dataset)

    assert accuracy(results) >= 0.9, listing(results)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_taxonomy_calls_nothing_wrong_right(dataset):
    praised = [result for result in judged(dataset) if result.praises_wrong]

    assert not praised, listing(praised)


def test_all_taxonomies_together_agree_with_nineteen_of_twenty_labels():
    results = [result for dataset in DATASETS for result in judged(dataset)]

    assert accuracy(results) >= 0.95, listing(results)
