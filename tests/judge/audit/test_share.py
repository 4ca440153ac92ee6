import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.judge.audit.share import Share


@given(of=st.integers(1, 5000), part=st.floats(0, 1))
def test_the_interval_holds_the_share(of, part):
    count = round(part * of)
    low, high = Share(count, of).interval
    assert 0 <= low <= count / of <= high <= 1


@pytest.mark.parametrize(
    ("count", "of", "interval"),
    [(8, 10, (0.4902, 0.9433)), (0, 10, (0, 0.2775)), (10, 10, (0.7225, 1))],
)
def test_the_interval_is_that_of_wilson(count, of, interval):
    assert Share(count, of).interval == pytest.approx(interval, abs=1e-4)


def test_none_of_none_has_no_share():
    assert Share(0, 0).value is None
    assert Share(0, 0).interval is None
