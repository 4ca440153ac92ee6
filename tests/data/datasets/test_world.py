import numpy as np
import pytest

from speciarl_pl.data.datasets import WorldImages
from speciarl_pl.world.drawing import draw
from speciarl_pl.world.samples import world_specs


def test_rows_are_the_specs():
    specs = world_specs("held_out", 12, 3)
    table = WorldImages("held_out", n=12, seed=3).table()
    assert list(table["id"]) == [spec.id for spec in specs]
    assert list(table["truth"]) == [spec.truth for spec in specs]
    assert list(table["subset"]) == [spec.subset for spec in specs]


def test_images_are_rebuilt_from_their_row():
    source = WorldImages("train", n=3, seed=1)
    drawn = [np.asarray(source.image(row)) for row in source.table()]
    for image, spec in zip(drawn, world_specs("train", 3, 1), strict=True):
        np.testing.assert_array_equal(image, np.asarray(draw(spec)))


def test_names_tell_the_kinds_apart():
    assert WorldImages("train").name == "world_train"
    assert WorldImages("held_out", name="new kinds").name == "new kinds"


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"n: expected an int >= 1, got 0"):
        WorldImages("train", n=0)
    with pytest.raises(ValueError, match=r"kinds: expected one of train"):
        WorldImages("none").table()
