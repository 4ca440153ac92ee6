import numpy as np
import pytest
import torch

from speciarl_pl.metrics.functional import intervals as resampling
from speciarl_pl.metrics.functional.intervals import resample_images

ROWS = torch.randint(0, 4, (37, 8), generator=torch.Generator().manual_seed(0))


def test_equals_adding_up_drawn_rows():
    generator = np.random.default_rng(5)
    expected = [
        sum(ROWS[place].double() for place in draw)
        for draw in generator.integers(len(ROWS), size=(20, len(ROWS)))
    ]
    assert resample_images(ROWS, resamples=20, seed=5).equal(torch.stack(expected))


def test_features_are_made_of_distinct_rows_and_added_up():
    seen = []

    def roots(rows):
        seen.append(rows)
        return rows.double().sqrt() / 2

    sums = resample_images(ROWS.repeat(3, 1), roots, resamples=10)
    assert len(seen[0]) == len({tuple(row) for row in ROWS.tolist()})
    draws = np.random.default_rng(0).integers(3 * len(ROWS), size=(10, 3 * len(ROWS)))
    roots_of_all = ROWS.double().sqrt().repeat(3, 1) / 2
    expected = torch.stack([roots_of_all[draw].sum(0) for draw in draws])
    assert torch.allclose(sums, expected, rtol=0, atol=1e-8)


def test_memory_is_bounded_and_makes_no_difference(monkeypatch):
    whole = resample_images(ROWS, resamples=50)
    monkeypatch.setattr(resampling, "_CHUNK", 1)
    few = resample_images(ROWS, resamples=50)
    assert whole.equal(few)


def test_threads_make_no_difference():
    rows = torch.randint(0, 9, (5000, 8), generator=torch.Generator().manual_seed(0))

    def thirds(rows):
        return (rows.double() + 1).reciprocal().repeat(1, 4)

    threads = torch.get_num_threads()
    sums = []
    for number in (1, 2):
        torch.set_num_threads(number)
        sums.append(resample_images(rows, thirds, resamples=50))
    torch.set_num_threads(threads)
    assert sums[0].equal(sums[1])


def test_the_draws_do_not_depend_on_the_rows():
    both = resample_images(torch.cat((ROWS, ROWS.flip(1)), 1), resamples=30)
    assert both[:, :8].equal(resample_images(ROWS, resamples=30))
    assert both[:, 8:].equal(resample_images(ROWS.flip(1), resamples=30))


def test_no_images():
    assert resample_images(ROWS[:0], resamples=3).equal(torch.zeros(3, 8, dtype=torch.float64))


def test_bad_resamples():
    with pytest.raises(ValueError, match="resamples: expected an int >= 1, got 0"):
        resample_images(ROWS, resamples=0)
