"""Resuming with a real Trainer: the same samples in the same order as a run never stopped."""

import lightning as L
import pytest

from speciarl_pl.data.module import OpenWorldDataModule

from .toys import Diary, Numbers

pytestmark = pytest.mark.filterwarnings(
    "ignore:.isinstance.treespec, LeafSpec.:FutureWarning"  # Lightning 2.6 on torch 2.13
)

STEPS = 12
"""10 samples in batches of 2: two epochs and a bit."""


class Saver(L.Callback):
    """Saves a checkpoint, named by the step, whenever a hook is called."""

    def __init__(self, hook, folder):
        self.folder = folder
        setattr(self, hook, self.save)

    def save(self, trainer, *_):
        trainer.save_checkpoint(self.folder / f"{trainer.global_step}.ckpt")


def _fit(tmp_path, steps, resume=None, workers=0, val=False, fail_at=None, callbacks=(), **options):
    module = Diary(fail_at)
    data = OpenWorldDataModule(
        train=Numbers(10),
        val=[Numbers(3, "val")] if val else None,
        batch_size=2,
        num_workers=workers,
        seed=5,
    )
    trainer = L.Trainer(
        accelerator="cpu",
        max_steps=steps,
        max_epochs=-1,
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
    return trainer, module.trained


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [3, 5, 8])
def test_stopped_by_max_steps(tmp_path, stop, workers):
    _, whole = _fit(tmp_path, STEPS)
    trainer, first = _fit(tmp_path, stop, workers=workers)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    _, rest = _fit(tmp_path, STEPS, tmp_path / "a.ckpt", workers)
    assert len(whole) == STEPS
    assert first + rest == whole


@pytest.mark.parametrize("step", [1, 4, 5, 6, 10])
@pytest.mark.parametrize("val", [False, True], ids=["train only", "with validation"])
def test_from_a_checkpoint_within_the_run(tmp_path, step, val):
    _, whole = _fit(tmp_path, STEPS, val=val, callbacks=[Saver("on_train_batch_end", tmp_path)])
    _, rest = _fit(tmp_path, STEPS, tmp_path / f"{step}.ckpt", val=val)
    assert rest == whole[step:]


@pytest.mark.parametrize("hook", ["on_train_epoch_end", "on_validation_end"])
def test_from_a_checkpoint_at_the_end_of_an_epoch(tmp_path, hook):
    _, whole = _fit(tmp_path, STEPS, val=True, callbacks=[Saver(hook, tmp_path)])
    _, rest = _fit(tmp_path, STEPS, tmp_path / "5.ckpt", val=True)
    assert rest == whole[5:]


@pytest.mark.parametrize("step", [2, 3, 6, 7])
def test_short_epochs(tmp_path, step):
    """An epoch cut by `limit_train_batches` is over; the next has its own order."""
    saver = Saver("on_train_batch_end", tmp_path)
    _, whole = _fit(tmp_path, STEPS, callbacks=[saver], limit_train_batches=3)
    _, rest = _fit(tmp_path, STEPS, tmp_path / f"{step}.ckpt", limit_train_batches=3)
    assert rest == whole[step:]
    assert whole[0] != whole[3]


def test_after_a_failure_within_a_step_that_step_is_done_again(tmp_path):
    _, whole = _fit(tmp_path, STEPS)
    with pytest.raises(RuntimeError, match="pulled the plug"):
        _fit(tmp_path, STEPS, fail_at=7, callbacks=[Saver("on_exception", tmp_path)])
    _, rest = _fit(tmp_path, STEPS, tmp_path / "7.ckpt")
    assert rest == whole[7:]


def test_overfitting_takes_the_same_batches_every_epoch(tmp_path):
    _, trained = _fit(tmp_path, 4, overfit_batches=2)
    assert trained == [["0", "1"], ["2", "3"]] * 2
