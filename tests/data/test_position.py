import pytest

from speciarl_pl.data.dataset import ImageDataset
from speciarl_pl.data.position import (
    Position,
    TrainingOrder,
    listing_digest,
    loaded_position,
    older_position,
    saved_position,
)
from speciarl_pl.errors import DataError

from .toys import Numbers

ORDER = TrainingOrder(size=10, seed=5, digest="abc")


def test_a_position_goes_round():
    position = Position(3, 4, True, 17, False, True)
    assert loaded_position(saved_position(position, ORDER)) == position
    ORDER.check(saved_position(position, ORDER))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("size", "written with size 7, this run has 10"),
        ("seed", "written with seed 7, this run has 5"),
        ("digest", "written with 10 other samples"),
    ],
)
def test_another_order_is_refused_by_name(key, message):
    with pytest.raises(DataError, match=rf"^training data: the checkpoint was {message}"):
        ORDER.check({"size": 10, "seed": 5, "digest": "abc", key: 7})


def test_a_digest_is_of_names_ids_and_truths():
    digests = {
        listing_digest([ImageDataset(source, "")])
        for source in (Numbers(3), Numbers(3), Numbers(4), Numbers(3, "other"))
    }
    assert len(digests) == 3


def test_an_older_checkpoint_has_it_in_lightnings_state():
    loops = {
        "state_dict": {"combined_loader": [{"epoch": 1, "seen": 4, "size": 10, "seed": 5}]},
        "epoch_loop.batch_progress": {"total": {"processed": 7}},
    }
    older = older_position(loops)
    ORDER.check(older)
    assert loaded_position(older) == Position(1, 4, False, 7, True, True)
    assert older_position({"state_dict": {}}) is None
