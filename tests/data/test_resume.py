"""Resuming with a real Trainer: the same samples in the same order as a run never stopped."""

import lightning as L
import pytest
import torch

from speciarl_pl.data.data_module import OpenWorldDataModule
from speciarl_pl.errors import DataError, RunError

from .toys import Diary, Numbers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:.isinstance.treespec, LeafSpec.:FutureWarning"  # Lightning 2.6 on torch 2.13
    ),
]

STEPS = 12
"""10 samples in batches of 2: two epochs and a bit."""

HOOKS = (
    "on_train_batch_start",
    "on_train_batch_end",
    "on_validation_end",
    "on_train_epoch_end",
    "on_train_epoch_start",
)

BY_EPOCHS, BY_STEPS, BY_BOTH = (
    {"max_epochs": 3},
    {"max_steps": 15, "max_epochs": -1},
    {"max_steps": 15, "max_epochs": 3},
)


class Saver(L.Callback):
    """Saves a checkpoint, named by hook and step, whenever one of the hooks is called."""

    def __init__(self, folder, *hooks):
        for hook in hooks:
            setattr(self, hook, lambda trainer, *_, hook=hook: self.save(trainer, folder, hook))

    def save(self, trainer, folder, hook):
        if not trainer.sanity_checking:
            trainer.save_checkpoint(folder / f"{hook}-{trainer.global_step}.ckpt")


def _fit(
    tmp_path,
    resume=None,
    workers=0,
    val=False,
    fail_at=None,
    callbacks=(),
    batch_size=2,
    train=None,
    seed=5,
    **options,
):
    module = Diary(fail_at)
    data = OpenWorldDataModule(
        train=train or Numbers(10),
        val=[Numbers(3, "val")] if val else None,
        batch_size=batch_size,
        num_workers=workers,
        seed=seed,
    )
    if "max_epochs" not in options:
        options = {"max_steps": STEPS, "max_epochs": -1, **options}
    trainer = L.Trainer(
        accelerator="cpu",
        default_root_dir=tmp_path,
        callbacks=list(callbacks),
        enable_checkpointing=False,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **options,
    )
    trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=resume and False)
    assert trainer.global_step == trainer.fit_loop.total_batch_idx + 1
    return trainer, module


@pytest.fixture(scope="module", params=[1.0, 0.4], ids=["val each epoch", "val each 2 batches"])
def saved(request, tmp_path_factory):
    """A run of 3 epochs that was never stopped, with a checkpoint at every hook of every step."""
    folder = tmp_path_factory.mktemp("saved")
    options = {"val": True, "val_check_interval": request.param}
    _, whole = _fit(folder, callbacks=[Saver(folder, *HOOKS)], **options, **BY_EPOCHS)
    assert len(whole.trained) == 15
    return folder, whole, options


@pytest.mark.parametrize(
    "limits", [BY_EPOCHS, BY_STEPS, BY_BOTH], ids=["epochs", "steps", "steps and epochs"]
)
@pytest.mark.parametrize("hook", HOOKS)
def test_from_every_hook_on_to_every_limit(saved, tmp_path, hook, limits):
    """What was trained, and after which batches was validated, none twice and none left out."""
    folder, whole, options = saved
    paths = sorted(folder.glob(f"{hook}-*.ckpt"))
    assert len(paths) >= 3
    for path in paths:
        step = int(path.stem.split("-")[1])
        trainer, rest = _fit(tmp_path, path, **options, **limits)
        assert rest.trained == whole.trained[step:], path.stem
        validated = step - (hook == "on_train_batch_end")
        left = [at for at in whole.rounds if at > validated]
        assert [step + at for at in rest.rounds] == left, path.stem
        assert trainer.fit_loop.epoch_loop._batches_that_stepped == 15


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [3, 5, 8])
def test_stopped_by_max_steps(tmp_path, stop, workers):
    _, whole = _fit(tmp_path)
    trainer, first = _fit(tmp_path, workers=workers, max_steps=stop)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    _, rest = _fit(tmp_path, tmp_path / "a.ckpt", workers)
    assert first.trained + rest.trained == whole.trained


@pytest.mark.parametrize(
    ("first", "then", "count"),
    [
        ({"max_steps": 3, "max_epochs": -1}, {"max_steps": 8, "max_epochs": -1}, 8),
        ({"max_steps": 3, "max_epochs": -1}, {"max_epochs": 2}, 10),
        ({"max_steps": 5, "max_epochs": 9}, {"max_epochs": 2}, 10),
        ({"max_epochs": 1}, {"max_epochs": 2}, 10),
        ({"max_epochs": 1}, {"max_steps": 7, "max_epochs": -1}, 7),
        ({"max_epochs": 2}, {"max_steps": 13, "max_epochs": 3}, 13),
    ],
    ids=lambda value: str(value).replace(": ", "="),
)
def test_gone_on_under_another_limit(tmp_path, first, then, count):
    trainer, begun = _fit(tmp_path, val=True, **first)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    _, rest = _fit(tmp_path, tmp_path / "a.ckpt", val=True, **then)
    _, whole = _fit(tmp_path, val=True, **then)
    assert begun.trained + rest.trained == whole.trained
    assert len(whole.trained) == count
    assert [*begun.rounds, *(len(begun.trained) + at for at in rest.rounds)] == whole.rounds


@pytest.mark.parametrize("limits", [{}, {"max_steps": 6}], ids=["", "which was the last step"])
def test_a_validation_that_was_not_done_is_done_first(tmp_path, limits):
    saver = Saver(tmp_path, "on_validation_start")
    options = {"val": True, "limit_train_batches": 3, **limits}
    _, whole = _fit(tmp_path, callbacks=[saver], **options)
    _, rest = _fit(tmp_path, tmp_path / "on_validation_start-6.ckpt", **options)
    assert rest.trained == whole.trained[6:]
    assert rest.rounds == [at - 6 for at in whole.rounds if at >= 6]


@pytest.mark.parametrize("step", [2, 3, 6, 7])
def test_short_epochs(tmp_path, step):
    """An epoch cut by `limit_train_batches` is over; the next has its own order."""
    saver = Saver(tmp_path, "on_train_batch_end")
    _, whole = _fit(tmp_path, callbacks=[saver], limit_train_batches=3)
    _, rest = _fit(tmp_path, tmp_path / f"on_train_batch_end-{step}.ckpt", limit_train_batches=3)
    assert rest.trained == whole.trained[step:]
    assert whole.trained[0] != whole.trained[3]


@pytest.mark.parametrize(("limit", "next_epoch"), [(3, True), (4, True), (1.0, False)])
def test_epochs_of_another_length(tmp_path, limit, next_epoch):
    _fit(tmp_path, callbacks=[Saver(tmp_path, "on_train_batch_end")])
    _, whole = _fit(tmp_path)
    path = tmp_path / "on_train_batch_end-4.ckpt"
    _, rest = _fit(tmp_path, path, max_steps=6, limit_train_batches=limit)
    assert rest.trained == (whole.trained[5:7] if next_epoch else whole.trained[4:6])


@pytest.mark.parametrize("step", [4, 5, 7], ids=["last of an epoch", "first", "middle"])
def test_after_a_failure_within_a_step_that_step_is_done_again(tmp_path, step):
    _, whole = _fit(tmp_path)
    with pytest.raises(RuntimeError, match="pulled the plug"):
        _fit(tmp_path, fail_at=step, callbacks=[Saver(tmp_path, "on_exception")])
    _, rest = _fit(tmp_path, tmp_path / f"on_exception-{step}.ckpt")
    assert rest.trained == whole.trained[step:]


def test_before_the_first_batch(tmp_path):
    _, whole = _fit(tmp_path)
    with pytest.raises(RuntimeError, match="pulled the plug"):
        _fit(tmp_path, fail_at=0, callbacks=[Saver(tmp_path, "on_exception")])
    _, rest = _fit(tmp_path, tmp_path / "on_exception-0.ckpt")
    assert rest.trained == whole.trained


def test_stopped_again_before_anything_was_done(tmp_path):
    """The position of a run that was resumed and then stopped at once is that it was given."""
    _, whole = _fit(tmp_path, callbacks=[Saver(tmp_path, "on_train_batch_end")])
    for resume, hook in (
        ("on_train_batch_end-7", "on_train_start"),
        ("on_train_start-7", "on_train_epoch_start"),
    ):
        _fit(tmp_path, tmp_path / f"{resume}.ckpt", callbacks=[Saver(tmp_path, hook)])
    _, rest = _fit(tmp_path, tmp_path / "on_train_epoch_start-7.ckpt")
    assert rest.trained == whole.trained[7:]


def test_another_batch_size_rounds_down_to_a_whole_step(tmp_path):
    _fit(tmp_path, callbacks=[Saver(tmp_path, "on_train_batch_end")])
    path = tmp_path / "on_train_batch_end-2.ckpt"
    _, rest = _fit(tmp_path, path, batch_size=3, max_steps=4)
    _, whole = _fit(tmp_path, batch_size=3, max_steps=3)
    assert rest.trained == whole.trained[1:], "4 of 10 samples seen: one step of 3"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": Numbers(12)}, "written with size 10, this run has 12"),
        ({"seed": 6}, "written with seed 5, this run has 6"),
        ({"train": Numbers(10, "others")}, "written with 10 other samples"),
    ],
    ids=["size", "seed", "samples"],
)
def test_other_training_data_is_refused(tmp_path, options, message):
    trainer, _ = _fit(tmp_path, max_steps=2)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    with pytest.raises(DataError, match=message):
        _fit(tmp_path, tmp_path / "a.ckpt", **options)


def test_an_end_before_the_checkpoint_is_refused(tmp_path):
    trainer, _ = _fit(tmp_path, max_epochs=3)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    with pytest.raises(RunError, match=r"trainer\.max_epochs: expected at least 2"):
        _fit(tmp_path, tmp_path / "a.ckpt", max_epochs=1)


def test_an_older_checkpoint_keeps_its_place(tmp_path):
    """Its position is in Lightning's state of the loader."""
    _, whole = _fit(tmp_path)
    trainer, _ = _fit(tmp_path, max_steps=7)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    checkpoint = torch.load(tmp_path / "a.ckpt", weights_only=False)
    position = checkpoint["OpenWorldDataModule"].pop("position")
    state = {key: position[key] for key in ("epoch", "seen", "size", "seed")}
    checkpoint["loops"]["fit_loop"]["state_dict"]["combined_loader"] = [state]
    torch.save(checkpoint, tmp_path / "older.ckpt")
    _, rest = _fit(tmp_path, tmp_path / "older.ckpt")
    assert rest.trained == whole.trained[7:]


def test_overfitting_takes_the_same_batches_every_epoch(tmp_path):
    _, module = _fit(tmp_path, max_steps=4, overfit_batches=2)
    assert module.trained == [["0", "1"], ["2", "3"]] * 2
