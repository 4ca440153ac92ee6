"""Limits on stand-ins for image processors; real ones are in `test_family_prompts.py`."""

from types import SimpleNamespace

import pytest

from speciarl_pl.policy.prompts.pixels import limit_pixels


def areas(least=56 * 56, most=1000 * 1000):
    return SimpleNamespace(size={"shortest_edge": least, "longest_edge": most}, merge_size=2)


class GlmLike(SimpleNamespace):
    """Counts the pixels of all frames of an image."""


def shapes():
    return SimpleNamespace(image_grid_pinpoints=[[336, 672], [672, 336], [672, 672]])


def tiles():
    return SimpleNamespace(size={"height": 448, "width": 448}, min_patches=1, max_patches=12)


def mosaic():
    return SimpleNamespace(size={"longest_edge": 4 * 364}, max_image_size={"longest_edge": 364})


def longest():
    return SimpleNamespace(size={"longest_edge": 1540})


@pytest.mark.parametrize(
    ("limits", "size"),
    [
        ((None, 500_000), (3136, 500_000)),
        ((5000, None), (5000, 1_000_000)),
        ((None, 1000), (1000, 1000)),
        ((2_000_000, None), (2_000_000, 2_000_000)),
    ],
)
def test_an_area_that_is_not_asked_for_gives_way(limits, size):
    images = areas()
    limit_pixels(images, *limits)
    assert tuple(images.size.values()) == size


def test_areas_of_two_frames_are_twice_as_large():
    images = GlmLike(
        size={"shortest_edge": 2 * 3136, "longest_edge": 2_000_000},
        merge_size=2,
        temporal_patch_size=2,
    )
    limit_pixels(images, None, 500_000)
    assert images.size == {"shortest_edge": 2 * 3136, "longest_edge": 1_000_000}


@pytest.mark.parametrize(
    ("make", "limits", "found"),
    [
        (shapes, (None, 336 * 672), {"image_grid_pinpoints": [[336, 672], [672, 336]]}),
        (shapes, (400_000, None), {"image_grid_pinpoints": [[672, 672]]}),
        (tiles, (None, 5 * 448 * 448 + 1), {"min_patches": 1, "max_patches": 5}),
        (tiles, (448 * 448 + 1, None), {"min_patches": 2, "max_patches": 12}),
        (mosaic, (None, 4 * 364 * 364), {"size": {"longest_edge": 2 * 364}}),
        (mosaic, (None, 10**9), {"size": {"longest_edge": 4 * 364}}),
        (longest, (None, 700 * 700), {"size": {"longest_edge": 700}}),
        (longest, (None, 10**9), {"size": {"longest_edge": 1540}}),
    ],
)
def test_limits_are_told_in_the_terms_of_each(make, limits, found):
    images = make()
    limit_pixels(images, *limits)
    assert vars(images).items() >= found.items()


@pytest.mark.parametrize(
    ("make", "limits", "named"),
    [
        (shapes, (None, 1000), r"^max_pixels: .* knows images of 225792 or 451584 pixels"),
        (shapes, (10**6, None), r"^min_pixels: .* got min_pixels=1000000; leave"),
        (tiles, (None, 448 * 448 - 1), r"^max_pixels: .* whole tiles of 200704 pixels"),
        (tiles, (13 * 448 * 448, None), r"^min_pixels: .* whole tiles"),
        (mosaic, (None, 1000), r"^max_pixels: .* whole tiles of 132496 pixels"),
        (longest, (1000, None), r"^min_pixels: .* enlarges no image"),
        (areas, (1000, 10), r"^min_pixels: expected at most max_pixels=10, got 1000"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused_by_name(make, limits, named):
    with pytest.raises(ValueError, match=named):
        limit_pixels(make(), *limits)


def test_without_limits_nothing_is_looked_at():
    limit_pixels(None, None, None)
