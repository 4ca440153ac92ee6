from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonargparse import ArgumentParser

from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.data.checks.benchmark_check import BENCHMARKS
from speciarl_pl.data.dataset import ImageDataset
from speciarl_pl.data.datasets import FGVCAircraft, MixedImages, WorldImages
from speciarl_pl.data.datasets.mixed import shares
from speciarl_pl.errors import DataError

from .miniatures import build


def world(n=20, name="a", **options):
    return WorldImages("train", n=n, name=name, **options)


def test_shares_by_weight_and_unique_ids():
    mix = MixedImages([world(name="a"), world(name="b")], weights=[3, 1], limit=12)
    table = mix.table()
    assert Counter(table["subset"]) == {"a": 9, "b": 3}
    assert len(set(table["id"])) == len(table) == 12
    assert all(
        id_.startswith(f"{part}/") for id_, part in zip(table["id"], table["subset"], strict=True)
    )


def test_equal_shares_by_default():
    assert MixedImages([world(name=str(at)) for at in range(3)], limit=10).shares == [4, 3, 3]


def test_it_depends_on_the_seed_alone():
    def ids(seed):
        return list(MixedImages([world(), world(name="b")], limit=10, seed=seed).table()["id"])

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_a_smaller_mix_is_part_of_a_larger_one():
    small, large = (
        set(MixedImages([world(), world(name="b")], limit=n).table()["id"]) for n in (8, 20)
    )
    assert small < large


def test_images_are_those_of_the_sources(tmp_path):
    build("fgvc_aircraft", tmp_path)
    planes, drawn = FGVCAircraft(str(tmp_path), "all"), world(name="drawn")
    mix = MixedImages([planes, drawn], limit=8, name="both")
    dataset = ImageDataset(mix, "What is it?")
    originals = {
        f"{source.name}/{row['id']}": source.image(row).tobytes()
        for source in (planes, drawn)
        for row in source.table()
    }
    for at in range(len(dataset)):
        sample = dataset[at]
        assert sample.dataset == "both"
        assert sample.subset in ("fgvc_aircraft", "drawn")
        assert sample.taxonomy == {"drawn": "world"}.get(sample.subset, "fgvc_aircraft")
        assert sample.image.tobytes() == originals[sample.id]


def test_the_papers_mix_from_one_block_of_a_config(tmp_path):
    parts = []
    for name, kind in BENCHMARKS.items():
        build(name, tmp_path)
        options = {"root": str(tmp_path), "split": "all", "limit": 3}
        parts.append({"class_path": kind.__name__, "init_args": options})
    mix = {"class_path": "MixedImages", "init_args": {"sources": parts, "limit": 12}}
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(OpenWorldDataModule, "data")
    config = parser.parse_object({"data": {"train": mix}})
    train = parser.instantiate(config).data._sources["train"][0]
    assert Counter(train.table()["subset"]) == dict.fromkeys(BENCHMARKS, 2)


def test_too_few_images_are_named_with_counts():
    mix = MixedImages([world(5, "a"), world(20, "b"), world(3, "c")], limit=30)
    message = r"'mix': too few .* \(a: 10 asked, 5 there; c: 10 asked, 3 there\); lower `limit`"
    with pytest.raises(DataError, match=message):
        mix.table()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": []}, r"sources: expected at least one data set"),
        ({"sources": [world(), world()]}, r"sources: two data sets are named 'a'"),
        ({"weights": [1]}, r"weights: expected 2, one for each of the sources, got 1"),
        ({"weights": [1, 0]}, r"weights: expected finite numbers > 0, got \[1, 0\]"),
        ({"weights": [1, float("nan")]}, r"weights: expected finite numbers > 0"),
        ({"limit": 0}, r"limit: expected an int >= 1"),
    ],
    ids=["none", "same names", "one weight", "zero", "nan", "limit"],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        MixedImages(**{"sources": [world(name="a"), world(name="b")], **options})


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8), st.integers(1, 5000))
def test_shares_add_up_and_are_within_one_of_exact(weights, limit):
    parts = shares(weights, limit)
    assert sum(parts) == limit
    assert all(
        abs(part - limit * weight / sum(weights)) < 1 + 1e-6
        for part, weight in zip(parts, weights, strict=True)
    )
