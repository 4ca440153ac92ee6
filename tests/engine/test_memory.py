import warnings

import pytest

from speciarl_pl.engine.adapter_sync import MemoryGuard

GIB = 2**30


def record(guard, *sizes, source="engine"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for size in sizes:
            guard.record(source, int(size * GIB))
    return [str(warning.message) for warning in caught]


def test_growth_is_measured_from_the_fifth_push():
    assert record(MemoryGuard(0.1), 10, 20, 30, 40, 50, 54, 55) == []


def test_little_growth_is_never_warned_about():
    assert record(MemoryGuard(0.1), 1, 1, 1, 1, 1, 1.5, 1.9) == []


def test_growth_is_warned_about_once_a_step():
    guard = MemoryGuard(0.1)
    (message,) = record(guard, 20, 20, 20, 20, 20, 23, 23, 25)
    assert "engine: memory grew from 20.00 GiB to 23.00 GiB by push 6" in message
    assert len(record(guard, 26)) == 1


def test_replicas_are_kept_apart():
    guard = MemoryGuard(0.1)
    record(guard, 1, 1, 1, 1, 1, source="one")
    assert record(guard, 9, 9, 9, 9, 9, source="other") == []


def test_growth_has_to_be_positive():
    with pytest.raises(ValueError, match="memory_growth: expected a share > 0, got 0"):
        MemoryGuard(0)
