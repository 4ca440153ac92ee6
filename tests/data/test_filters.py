import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.answer import answer_key
from speciarl_pl.data.datasets import Flowers102, ImageFolder, WorldImages
from speciarl_pl.data.filters import keep_classes
from speciarl_pl.data.source import as_table
from speciarl_pl.errors import DataError

from .datasets.miniatures import build

LABELS = ["F/A-18", "F-16A/B", "Citroën C3", "tiger lily"]


def table(truths):
    return as_table({"id": [str(at) for at in range(len(truths))], "truth": truths})


@pytest.fixture
def folder(photo, tmp_path):
    for index in range(12):
        photo(f"root/{('cat', 'dog', 'F-16')[index % 3]}/{index:02d}.png")
    return str(tmp_path / "root")


def test_labels_are_kept_or_left_out_whatever_their_case(folder):
    assert set(ImageFolder(folder, include=["CAT", " dog"]).table()["truth"]) == {"cat", "dog"}
    assert set(ImageFolder(folder, exclude=["f-16"]).table()["truth"]) == {"cat", "dog"}
    both = ImageFolder(folder, include=["cat", "dog"], exclude=["dog"])
    assert set(both.table()["truth"]) == {"cat"}


def test_filters_come_before_the_limit(folder):
    assert list(ImageFolder(folder, include=["cat"], limit=3).table()["truth"]) == ["cat"] * 3
    assert len(ImageFolder(folder, include=["cat"], limit=99).table()) == 4


def test_order_is_kept(folder):
    everything = list(ImageFolder(folder).table()["id"])
    kept = list(ImageFolder(folder, exclude=["dog"]).table()["id"])
    assert kept == [id_ for id_ in everything if not id_.startswith("dog/")]


def test_any_source_filters():
    labels = WorldImages("train", n=30).table()["truth"]
    kept = WorldImages("train", n=30, include=[labels[0]]).table()["truth"]
    assert set(kept) == {labels[0]}


@pytest.mark.parametrize("argument", ["include", "exclude"])
def test_an_unknown_label_is_named_with_the_nearest(folder, argument):
    message = rf"data set 'root': {argument} names 'F16', .* 3 labels; did you mean 'F-16'\?"
    with pytest.raises(DataError, match=message):
        ImageFolder(folder, **{argument: ["F16"]}).table()
    with pytest.raises(DataError, match=r"names 'zzzz', .*; none is like it"):
        ImageFolder(folder, **{argument: ["zzzz"]}).table()


def test_nothing_left_names_what_the_filters_removed(folder):
    message = (
        r"data set 'root': no images left; its filters removed all 12 \(include cat; exclude cat\)"
        r"; expected at least one: change the filters"
    )
    with pytest.raises(DataError, match=message):
        ImageFolder(folder, include=["cat"], exclude=["cat"]).table()


def test_nothing_left_of_a_benchmark_gives_its_command(tmp_path):
    build("flowers102", tmp_path)
    labels = ["passion flower", "pink primrose", "blackberry lily"]
    message = r"no images left; .*python -m speciarl_pl data check flowers102 --root"
    with pytest.raises(DataError, match=message):
        Flowers102(str(tmp_path), exclude=labels).table()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], r"include: expected at least one label or null, got an empty list"),
        (["a", " "], r"include: expected labels, got an empty text"),
    ],
    ids=["none", "empty"],
)
def test_arguments_are_checked(labels, message):
    with pytest.raises(ValueError, match=message):
        ImageFolder("nowhere", include=labels)


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(LABELS), min_size=1),
    st.lists(st.sampled_from(LABELS)) | st.none(),
    st.lists(st.sampled_from(LABELS)),
)
def test_against_a_plain_loop(truths, include, exclude):
    kept = []
    for truth in truths:
        if (include is None or truth in include) and truth not in exclude:
            kept.append(truth)
    named = {answer_key(label) for label in [*(include or []), *exclude]}
    if not named <= {answer_key(truth) for truth in truths} or not kept:
        with pytest.raises(DataError):
            keep_classes(table(truths), "x", include, exclude)
    else:
        assert list(keep_classes(table(truths), "x", include, exclude)["truth"]) == kept
