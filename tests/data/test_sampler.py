import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.data.sampler import EvalBatches, Share, TrainBatches, epoch_order


def _flat(batches):
    return [index for batch in batches for index in batch]


def test_epochs_and_seeds_have_their_own_order():
    orders = {tuple(epoch_order(50, seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9
    assert all(sorted(order) == list(range(50)) for order in orders)


def test_order_is_pinned():
    """A change of this order breaks the resuming of every run there is."""
    assert epoch_order(6, seed=0, epoch=1) == [1, 4, 3, 0, 2, 5]


@settings(deadline=None, max_examples=60)
@given(
    size=st.integers(1, 60),
    batch=st.integers(1, 7),
    world=st.integers(1, 5),
    seed=st.integers(0, 9),
)
def test_ranks_share_a_training_epoch_equally(size, batch, world, seed):
    if size < batch * world:
        with pytest.raises(ValueError, match="more than the"):
            TrainBatches(size, batch, seed, Share(0, world))
        return
    ranks = [list(TrainBatches(size, batch, seed, Share(rank, world))) for rank in range(world)]
    assert {len(batches) for batches in ranks} == {size // (batch * world)}
    assert all(len(one) == batch for batches in ranks for one in batches)
    seen = [index for batches in ranks for index in _flat(batches)]
    assert len(seen) == len(set(seen))
    alone = list(TrainBatches(size, batch * world, seed))
    for step, together in enumerate(alone):
        assert sorted(_flat(batches[step] for batches in ranks)) == sorted(together)


@settings(deadline=None, max_examples=60)
@given(size=st.integers(0, 60), batch=st.integers(1, 7), world=st.integers(1, 5))
def test_ranks_share_an_evaluation_exactly(size, batch, world):
    ranks = [list(EvalBatches(size, batch, Share(rank, world))) for rank in range(world)]
    assert sorted(index for batches in ranks for index in _flat(batches)) == list(range(size))
    assert all(len(batches) == len(EvalBatches(size, batch, Share(0, world))) for batches in ranks)
    assert all(len(one) <= batch for batches in ranks for one in batches)


def test_evaluation_keeps_the_order():
    assert _flat(EvalBatches(7, 3)) == list(range(7))


def test_start_skips_batches_but_not_length():
    batches = TrainBatches(10, 2, seed=3)
    whole = list(batches)
    batches.start = 3
    assert list(batches) == whole[3:]
    assert len(batches) == 5


def test_without_shuffling():
    assert list(TrainBatches(5, 2, seed=0, shuffle=False)) == [[0, 1], [2, 3]]


def test_too_few_images():
    with pytest.raises(
        ValueError, match=r"batch_size: 4 on 2 process\(es\) takes 8 samples a step"
    ):
        TrainBatches(7, 4, 0, Share(0, 2))
