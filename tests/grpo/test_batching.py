from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.grpo import micro_batches, mini_batches


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
