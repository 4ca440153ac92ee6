import torch
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.engine.fingerprint import fingerprint, same

sizes = st.tuples(st.integers(1, 6), st.integers(1, 6))


def matrix(size, seed, dtype=torch.float32):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)).to(dtype)


@given(sizes, st.integers(0, 50), st.integers(0, 5), st.integers(0, 5))
def test_padding_with_zeros_changes_nothing(size, seed, below, right):
    one = matrix(size, seed)
    padded = torch.nn.functional.pad(one, (0, right, 0, below))
    assert same(fingerprint(one), fingerprint(padded))


@given(sizes, st.integers(0, 50), st.data())
def test_a_changed_entry_is_seen(size, seed, data):
    one = matrix(size, seed)
    row, column = data.draw(st.tuples(*(st.integers(0, n - 1) for n in size)))
    other = one.clone()
    other[row, column] += 1e-3
    assert not same(fingerprint(one), fingerprint(other))


@given(st.tuples(st.integers(2, 6), st.integers(2, 6)), st.integers(0, 50))
def test_swapped_rows_are_seen_although_the_norm_is_the_same(size, seed):
    one = matrix(size, seed)
    assert not same(fingerprint(one), fingerprint(one[[1, 0, *range(2, size[0])]]))


def test_zeros_are_the_same_as_zeros_alone():
    zeros, tiny = torch.zeros(3, 4), torch.full((3, 4), 1e-20)
    assert same(fingerprint(zeros), fingerprint(zeros))
    assert not same(fingerprint(zeros), fingerprint(tiny))


def test_rounding_to_the_same_type_gives_the_same():
    one = matrix((64, 32), 0)
    assert same(fingerprint(one.bfloat16()), fingerprint(one.bfloat16().float()))
    assert not same(fingerprint(one.bfloat16()), fingerprint(one))
