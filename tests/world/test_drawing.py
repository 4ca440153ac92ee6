from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from speciarl_pl.world import WorldSpec, draw, world_specs

HEXAGON = WorldSpec("polygon", "hexagon", "crimson", easy=True, seed=7)
JUG = WorldSpec("vessel", "jug", "marlow", easy=False, seed=7)


def pixels(spec):
    return np.asarray(draw(spec)).astype(int)


def test_an_image_is_56_pixels_of_rgb():
    image = draw(HEXAGON)
    assert image.size == (56, 56)
    assert image.mode == "RGB"


def test_equal_specs_give_equal_pixels():
    assert np.array_equal(pixels(HEXAGON), pixels(HEXAGON))


def test_seeds_vary_the_pose_beyond_the_noise():
    images = [pixels(replace(HEXAGON, seed=seed)) for seed in range(8)]
    gaps = [np.abs(a - b).mean() for i, a in enumerate(images) for b in images[:i]]
    assert min(gaps) > 8


def test_the_maker_leaves_no_mark():
    assert np.array_equal(pixels(JUG), pixels(replace(JUG, mark="tarrant")))


def test_the_colour_is_seen():
    red, green, blue = pixels(HEXAGON)[24:32, 24:32].mean(axis=(0, 1))
    assert red > 150
    assert max(green, blue) < 90


def test_hard_objects_are_grey():
    centre = pixels(JUG)[24:32, 24:32].mean(axis=(0, 1))
    assert centre.max() - centre.min() < 12


def test_lists_are_reproducible_and_balanced():
    specs = world_specs("all", 36 * 14, seed=3)
    assert specs == world_specs("all", 36 * 14, seed=3)
    assert set(Counter(spec.family for spec in specs).values()) == {14}
    assert set(Counter(spec.truth for spec in specs if spec.easy).values()) == {2}
    assert {spec.subset for spec in specs} == {"easy", "hard"}


def test_other_seeds_share_no_image():
    lists = [world_specs(kinds, 300, seed) for seed in (0, 1) for kinds in ("train", "held_out")]
    seeds = [{spec.seed for spec in specs} for specs in lists]
    assert not (seeds[0] | seeds[1]) & (seeds[2] | seeds[3])
    ids = [spec.id for specs in lists for spec in specs]
    assert len(set(ids)) == len(ids)


def test_a_longer_list_begins_like_a_shorter_one():
    assert world_specs("train", 100, 5)[:40] == world_specs("train", 40, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("some", 1, 0), "kinds: expected one of train, held_out, all; got 'some'"),
        (("all", -1, 0), "n: expected at least 0 images, got -1"),
        (("all", 1, -1), "seed: expected 0 to"),
        (("all", 1, 2**31), "seed: expected 0 to"),
    ],
    ids=["kinds", "n", "negative seed", "seed too large"],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        world_specs(*arguments)
