from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from speciarl_pl.callbacks import SkippedReport
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.errors import DataError
from speciarl_pl.records import Batch, SkippedSample

BROKEN = SkippedSample("a.jpg", "pets", "a.jpg: an empty file")
OTHER = SkippedSample("b.jpg", "birds", "b.jpg: cut short")


@pytest.fixture
def trainer():
    return SimpleNamespace(datamodule=OpenWorldDataModule())


def test_what_training_and_validation_left_out_is_named_once_at_the_end(trainer, capsys):
    report = SkippedReport()
    report.on_train_batch_end(trainer, None, {}, Batch([], [], [BROKEN]), 0)
    report.on_train_batch_end(trainer, None, {}, Batch([], [], [BROKEN]), 1)
    report.on_validation_batch_end(trainer, None, {}, Batch([], [], [OTHER]), 0)
    assert capsys.readouterr().err == ""
    report.teardown(trainer, None, "fit")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "2 sample(s) could not be read and were skipped:",
        "  pets: a.jpg: an empty file",
        "  birds: b.jpg: cut short",
    ]


@pytest.mark.parametrize(
    "name", ["[x] a.jpg", "a" * 300, "[/red] a.jpg"], ids=["[x]", "long", "[/]"]
)
def test_a_name_is_shown_as_it_is(trainer, capsys, name):
    trainer.datamodule.note_skipped([SkippedSample("a", "pets", f"{name}: cut short")])
    SkippedReport().teardown(trainer, None, "fit")
    assert f"  pets: {name}: cut short\n" in capsys.readouterr().err


def test_nothing_left_out_nothing_said(trainer, capsys):
    report = SkippedReport()
    report.on_validation_batch_end(trainer, None, {}, Batch([], []), 0)
    report.teardown(trainer, None, "fit")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("limit", "stops"), [(0.4, False), (0.3, True), (None, False)])
def test_a_validation_that_left_out_too_much_fails_at_the_end(trainer, limit, stops):
    results = {
        "pets": {"images": 4, "skipped": {"count": 4, "samples": []}},
        "birds": {"images": 2, "skipped": {"count": 0, "samples": []}},
    }
    module = SimpleNamespace(results=results)
    report = SkippedReport(limit)
    report.teardown(trainer, module, "fit")
    expected = pytest.raises(DataError, match=r"^4 of 10 images .* more than watch\.max_skipped")
    with expected if stops else nullcontext():
        report.teardown(trainer, module, "validate")


def test_no_data_module_no_failure(capsys):
    SkippedReport().teardown(SimpleNamespace(), None, "fit")
    SkippedReport().teardown(SimpleNamespace(datamodule=None), None, "fit")
    assert capsys.readouterr() == ("", "")
