import multiprocessing
import os

import pytest
import torch

from speciarl_pl.data.dataset import Collate, ImageDataset
from speciarl_pl.data.loader import BatchLoader, ResumableLoader, Workers
from speciarl_pl.data.sampler import EvalBatches, TrainBatches
from speciarl_pl.errors import DataError
from speciarl_pl.records import EncodedPrompt

from .toys import Numbers, encode


def _loader(size=10, batch=2, seed=0, workers=0):
    dataset = ImageDataset(Numbers(size), "")
    batches = TrainBatches(size, batch, seed)
    return ResumableLoader(dataset, batches, Collate(encode), Workers(workers))


def _ids(batches):
    return [[sample.id for sample in batch.samples] for batch in batches]


def _epochs(loader, count):
    return [one for _ in range(count) for one in _ids(loader)]


def test_epochs_differ_and_repeat_from_the_seed():
    first, second = _ids(loader := _loader()), _ids(loader)
    assert first != second
    assert _epochs(_loader(), 2) == first + second


@pytest.mark.parametrize(("workers", "stop"), [(0, 1), (0, 4), (0, 5), (0, 7), (2, 5), (2, 7)])
def test_it_begins_anywhere(workers, stop):
    whole = _epochs(_loader(), 3)
    loader = _loader(workers=workers)
    loader.go_to(stop // 5, stop % 5)
    assert _epochs(loader, 3 - stop // 5) == whole[stop:]


def test_making_an_iterator_alone_changes_nothing():
    loader = _loader()
    iter(loader)
    iter(loader)
    assert _ids(loader) == _ids(_loader())


def test_random_numbers_of_others_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    _epochs(_loader(), 2)
    assert torch.equal(torch.rand(1), expected)


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
