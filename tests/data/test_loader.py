import multiprocessing
import os

import pytest

from speciarl_pl.data.collate import Collate
from speciarl_pl.data.dataset import ImageDataset
from speciarl_pl.data.loader import BatchLoader, Progress, ResumableLoader, Workers
from speciarl_pl.data.sampler import EvalBatches, TrainBatches
from speciarl_pl.errors import DataError
from speciarl_pl.records import EncodedPrompt

from .toys import Numbers, encode


def _loader(size=10, batch=2, seed=0, workers=0, **kwargs):
    dataset = ImageDataset(Numbers(size), "")
    batches = TrainBatches(size, batch, seed)
    return ResumableLoader(dataset, batches, Collate(encode), Workers(workers), **kwargs)


def _ids(batches):
    return [[sample.id for sample in batch.samples] for batch in batches]


def _epochs(loader, count):
    return [one for _ in range(count) for one in _ids(loader)]


def test_epochs_differ_and_repeat_from_the_seed():
    first, second = _ids(loader := _loader()), _ids(loader)
    assert first != second
    assert _epochs(_loader(), 2) == first + second


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, 4, 5, 7])
def test_state_is_of_what_was_handed_out(workers, stop):
    whole = _epochs(_loader(), 3)
    loader, got = _loader(workers=workers), []
    while len(got) < stop:
        for batch in loader:
            got += _ids([batch])
            if len(got) == stop:
                state = loader.state_dict()
                break
    fresh = _loader(workers=workers)
    fresh.load_state_dict(state)
    assert got + _epochs(fresh, 3 - state["epoch"]) == whole


def test_making_an_iterator_alone_changes_nothing():
    loader = _loader()
    iter(loader)
    iter(loader)
    assert loader.state_dict() == {"epoch": 0, "seen": 0, "size": 10, "seed": 0}
    assert _ids(loader) == _ids(_loader())


def test_unfinished_batches_and_short_epochs_count():
    loader = _loader(progress=lambda: Progress(in_flight=1, epoch_length=3))
    batches = iter(loader)
    next(batches), next(batches)
    assert (loader.state_dict()["epoch"], loader.state_dict()["seen"]) == (0, 2)
    next(batches), next(batches)
    assert (loader.state_dict()["epoch"], loader.state_dict()["seen"]) == (1, 0)


def test_another_batch_size_rounds_down():
    loader = _loader(batch=3)
    loader.load_state_dict({"epoch": 1, "seen": 4, "size": 10, "seed": 0})
    assert loader.epoch == 1
    assert len(_ids(loader)) == 2


@pytest.mark.parametrize("key", ["size", "seed"])
def test_other_data_cannot_be_resumed(key):
    state = {"epoch": 1, "seen": 4, "size": 10, "seed": 0} | {key: 7}
    with pytest.raises(DataError, match=rf"written with {key} 7, this run has"):
        _loader().load_state_dict(state)


def _encode_with_pid(sample):
    plain = encode(sample)
    return EncodedPrompt(plain.input_ids * 0 + os.getpid(), plain.mm_token_type_ids, plain.vision)


def test_encoding_happens_in_the_workers():
    dataset = ImageDataset(Numbers(4), "")
    loader = BatchLoader(dataset, EvalBatches(4, 2), Collate(_encode_with_pid), Workers(2))
    pids = {int(prompt.input_ids) for batch in loader for prompt in batch.prompts}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_errors_of_workers_keep_their_type(broken, tmp_path):
    from speciarl_pl.data.datasets import ImageFolder

    broken("cat/a.jpg")
    dataset = ImageDataset(ImageFolder(str(tmp_path)), "", on_error="raise")
    loader = BatchLoader(dataset, EvalBatches(1, 1), Collate(encode), Workers(1, persistent=True))
    with pytest.raises(DataError, match=r"a\.jpg"):
        next(iter(loader))
    loader.close()


def test_closing_ends_the_workers():
    loader = BatchLoader(
        ImageDataset(Numbers(4), ""),
        EvalBatches(4, 2),
        Collate(encode),
        Workers(2, persistent=True),
    )
    before = len(multiprocessing.active_children())
    next(iter(loader))
    assert len(multiprocessing.active_children()) == before + 2
    loader.close()
    assert len(multiprocessing.active_children()) == before
    assert len(list(loader)) == 2, "it starts them again when needed"
    loader.close()
