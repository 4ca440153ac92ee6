import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from speciarl_pl.judge.audit.share import Share


@given(of=st.integers(1, 5000), part=st.floats(0, 1))
def test_wilson_equals_scipy(of, part):
    count = round(part * of)
    expected = binomtest(count, of).proportion_ci(method="wilson")

    low, high = Share(count, of).interval

    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= count / of <= high <= 1


def test_none_of_none_has_no_share():
    assert Share(0, 0).value is None
    assert Share(0, 0).interval is None
