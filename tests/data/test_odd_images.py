"""Images as people have them: each is read rightly, or named with its reason."""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from speciarl_pl.data import ImageDataset
from speciarl_pl.data.datasets import PhotoFolder
from speciarl_pl.records import SkippedSample

from .odd_images import LEFT_OUT, RIGHT, UNREADABLE, make


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'mode' parameter is deprecated")
        folder = make(tmp_path_factory.mktemp("odd"))
    return ImageDataset(PhotoFolder(str(folder)), "What is it?")


@pytest.fixture(scope="module")
def found(photos):
    return dict(zip(photos.listing["id"], photos, strict=True))


def test_every_file_is_listed_or_left_out_and_said(photos, found):
    assert set(found) == {*RIGHT, *UNREADABLE}
    note, *packages = photos.notes
    needed = f"{photos.name}: 1 image(s): HEIC, which needs a package: pip install pillow-heif"
    assert packages == ([] if find_spec("pillow_heif") else [needed])
    assert f"left out {len(LEFT_OUT)}:" in note
    assert len(RIGHT) + len(UNREADABLE) + len(LEFT_OUT) > 40


@pytest.mark.parametrize("name", RIGHT)
def test_pixels_are_those_it_was_made_from(found, name):
    _, expected, tolerance = RIGHT[name]
    assert not isinstance(found[name], SkippedSample), found[name].reason
    pixels = np.asarray(found[name].image).astype(float)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - np.asarray(expected, dtype=float)).max() <= tolerance


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_one_is_named_with_its_reason(found, name):
    if "pillow-heif" in UNREADABLE[name][1] and find_spec("pillow_heif"):
        pytest.skip("HEIC can be read here")
    reason = found[name].reason
    assert name in reason
    assert UNREADABLE[name][1] in reason
    assert "\n" not in reason


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_counted_with_its_reason(photos, name):
    note = photos.notes[0]
    reason = LEFT_OUT[name][1]
    count = sum(other == reason for _, other in LEFT_OUT.values())
    assert f" {count} {reason} (" in note
    assert name in note or count > 3
