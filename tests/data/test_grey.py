"""Grey levels of many bits; whole files are in test_odd_images.py."""

import numpy as np
import pytest

from speciarl_pl.data.images.grey import Declared, eight_bits

RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16)


def scaled(levels, **declared):
    return eight_bits(np.asarray(levels), Declared(**declared))


@pytest.mark.parametrize("depth", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("top", [255, 130, 100])
def test_fewer_bits_in_sixteen_look_as_their_twin(depth, top):
    """As long as the brightest level is above a quarter of what the bits can hold."""
    twin = RAMP.clip(0, top)
    levels = (twin * (((1 << depth) - 1) / 255)).round().astype(np.uint16)
    assert np.abs(scaled(levels).astype(int) - twin).max() <= 1


@pytest.mark.parametrize("top", [1, 3, 200, 300, 1000, 5000, 9000, 17_000, 60_000])
def test_no_picture_is_blown_up_to_white_nor_lost_in_black(top):
    levels = (RAMP * (top / 255)).astype(np.uint16)
    brightest = scaled(levels).max()
    assert (64 <= brightest <= 255) if top > 255 else brightest == top
    if top >= 1 << 14:
        assert brightest == round(top / 257), "16 bits stay as they are"


@pytest.mark.parametrize(
    ("whites", "top"),
    [((4095, 65535), 60), ((1023, 65535), 4)],
    ids=["within it", "beyond it"],
)
def test_a_declared_white_holds_as_long_as_no_level_is_beyond_it(whites, top):
    assert scaled([[0, 965, 964 if top == 60 else 1100]], whites=whites).max() == top


def test_nan_and_infinity_are_no_levels():
    levels = np.array([[np.nan, -np.inf, 0.5, 1.0, np.inf]], np.float32)
    assert scaled(levels).tolist() == [[0, 0, 128, 255, 255]]
    with pytest.raises(ValueError, match="no level is a finite number"):
        scaled(np.full((1, 2), np.nan, np.float32))


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_a_black_picture_stays_black(dtype):
    assert not scaled(np.zeros((2, 2), dtype)).any()
    assert scaled(np.zeros((2, 2), dtype), inverted=True).min() == 255


def test_negative_levels_are_dark():
    assert scaled(np.array([[-1000, 0, 3071]], np.int32)).tolist() == [[0, 50, 204]]
    assert scaled(np.array([[-1.0, 0.0, 1.0]], np.float32)).tolist() == [[0, 128, 255]]
    assert not scaled(np.full((1, 2), -7, np.int32)).any()
