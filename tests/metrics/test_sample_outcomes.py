import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.metrics import MajorityOutcomes, SampleOutcomes
from speciarl_pl.metrics.functional import summarize_majority, summarize_samples

CODES = torch.randint(-2, 6, (23, 4), generator=torch.Generator().manual_seed(0))
VOTES = torch.randint(1, 5, (23,), generator=torch.Generator().manual_seed(1))
PLACES = st.lists(st.integers(0, 22), min_size=1, max_size=60)


def filled(places, batch):
    samples, majority = SampleOutcomes(4), MajorityOutcomes(4)
    for rows in torch.tensor(places).split(batch):
        samples.update(rows, CODES[rows])
        majority.update(rows, CODES[rows, 0], VOTES[rows])
    return samples, majority


@given(PLACES, st.integers(1, 9))
def test_each_image_counts_once_in_the_order_of_the_data_set(places, batch):
    samples, majority = filled(places, batch)
    expected = sorted(set(places))
    assert samples.table().tolist() == CODES[expected].tolist()
    found = majority.compute()
    assert found["codes"].reshape(-1).tolist() == CODES[expected, 0].tolist()
    assert found["votes"].reshape(-1).tolist() == VOTES[expected].tolist()


@settings(max_examples=20)
@given(st.randoms(), st.integers(1, 30))
def test_neither_batches_nor_their_order_change_a_summary(draw, batch):
    samples, majority = filled(draw.sample(range(23), 23), batch)
    assert samples.summary("ordinal", 3) == summarize_samples(CODES, "ordinal", 3)
    expected = summarize_majority(CODES[:, 0], VOTES, 4, "ordinal", 3)
    assert majority.summary("ordinal", 3) == expected


def test_an_image_that_is_seen_again_keeps_its_first_outcomes():
    metric = SampleOutcomes(1)
    metric.update(torch.tensor([5, 5, 2]), torch.tensor([[1], [2], [3]]))
    metric.update(torch.tensor([2]), torch.tensor([[4]]))
    assert metric.compute().tolist() == [[3], [1]]


def test_the_state_is_a_byte_a_sample():
    metric = SampleOutcomes(4)
    metric.update(torch.arange(23), CODES)
    assert metric.codes[0].dtype == torch.int8
    assert metric.half().codes[0].dtype == torch.int8


def test_batch_values_reset_pickle_and_copy():
    metric = SampleOutcomes(4)
    metric.update(torch.arange(3), CODES[:3])
    assert metric(torch.arange(3, 23), CODES[3:]).tolist() == CODES[3:].tolist()
    for copy in (metric, pickle.loads(pickle.dumps(metric)), metric.clone()):
        assert copy.compute().tolist() == CODES.tolist()
    metric.reset()
    metric.update(torch.tensor([7]), CODES[:1])
    assert metric.table().tolist() == CODES[:1].tolist()


@pytest.mark.filterwarnings("ignore:The ``compute`` method:UserWarning")
def test_no_images():
    assert SampleOutcomes(4).table().shape == (0, 4)
    assert SampleOutcomes(4).summary()["n"] == 0
    assert MajorityOutcomes(4).summary()["agreement"] is None


def test_one_image_of_one_sample():
    metric = SampleOutcomes(1)
    metric.update(torch.tensor([0]), torch.tensor([[4]]))
    assert metric.table().shape == (1, 1)
    assert metric.summary()["correctness"] == 1.0


@pytest.mark.parametrize(
    ("positions", "codes", "message"),
    [
        ([0.0], [[4, 4]], r"positions: expected int64 \[images\], got torch.float32 \(1,\)"),
        ([[0]], [[4, 4]], r"positions: expected int64 \[images\], got torch.int64 \(1, 1\)"),
        ([0], [[4]], r"codes: expected shape \(1, 2\), got \(1, 1\)"),
        ([0, 1], [[4, 4]], r"codes: expected shape \(2, 2\), got \(1, 2\)"),
        ([0], [[4, 260]], "codes: expected values from -2 to 5, got 4 to 260"),
        ([0], [[4.0, 4.0]], "codes: expected integers, got torch.float32"),
    ],
)
def test_bad_updates_leave_the_state_alone(positions, codes, message):
    metric = SampleOutcomes(2)
    with pytest.raises(ValueError, match=message):
        metric.update(torch.tensor(positions), torch.tensor(codes))
    assert metric.positions == metric.codes == []


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ([0], "votes: expected values from 1 to 4 samples, got 0 to 0"),
        ([5], "votes: expected values from 1 to 4 samples, got 5 to 5"),
        ([1, 2], r"votes: expected shape \(1,\), got \(2,\)"),
    ],
)
def test_bad_votes(votes, message):
    with pytest.raises(ValueError, match=message):
        MajorityOutcomes(4).update(torch.tensor([0]), torch.tensor([4]), torch.tensor(votes))


def test_bad_samples():
    for metric_class in (SampleOutcomes, MajorityOutcomes):
        with pytest.raises(ValueError, match="samples: expected an int >= 1, got 0"):
            metric_class(0)
