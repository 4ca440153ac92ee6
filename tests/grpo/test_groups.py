import torch
from factory import scored
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.grpo import (
    groups_to_learn_from,
    micro_batches,
    mini_batches,
    normalizer,
    token_batch,
)

NAN = float("nan")


def test_unjudged_rollouts_are_masked_and_not_counted():
    groups = [scored([3, 2], [1.0, 0.0]), scored([4, 1, 2], [NAN, 1.0, 0.0])]
    lengths = torch.tensor([3, 2, 4, 1, 2])
    mask = torch.arange(4) < lengths[:, None]
    batch = token_batch(groups, torch.zeros(5, 4), mask)
    assert batch.mask.sum(dim=1).tolist() == [3, 2, 0, 1, 2]
    assert batch.advantages.shape == (5,)
    assert not batch.advantages.isnan().any()
    size = normalizer(groups)
    assert (size.sequences, size.tokens) == (4, 8)


def test_old_logprobs_are_the_policys_own_unless_given():
    groups = [scored([2], [1.0])]
    logprobs = torch.full((1, 2), -0.5, requires_grad=True)
    batch = token_batch(groups, logprobs, torch.ones(1, 2, dtype=torch.bool))
    assert not batch.old_logprobs.requires_grad
    torch.testing.assert_close(batch.old_logprobs, logprobs.detach())


def test_groups_without_signal_are_dropped_unless_kept_for_their_kl():
    signal, flat = scored([1, 1], [1.0, 0.0], "a"), scored([1, 1], [1.0, 1.0], "b")
    unjudged = scored([1, 1], [NAN, NAN], "c")
    groups = [signal, flat, unjudged]
    assert groups_to_learn_from(groups, keep_without_signal=False) == [signal]
    assert groups_to_learn_from(groups, keep_without_signal=True) == [signal, flat]


@given(st.lists(st.integers()), st.integers(1, 9))
def test_mini_batches_are_exactly_as_many_even_and_in_order(items, count):
    parts = mini_batches(items, count)
    assert len(parts) == count
    assert [item for part in parts for item in part] == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.lists(st.integers()), st.integers(1, 9))
def test_micro_batches_are_no_larger_than_asked_and_in_order(items, size):
    parts = list(micro_batches(items, size))
    assert [item for part in parts for item in part] == items
    assert all(1 <= len(part) <= size for part in parts)
