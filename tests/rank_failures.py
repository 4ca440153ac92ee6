"""What each of two processes sees when something fails on one of them.

Every function below is a scenario: it runs on both ranks, with a trainer of two, and fails on one
of them. `run(folder)` gives, by scenario and rank, the error that ended it, or None.
"""

import os
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import lightning as L
import torch
from counting import free_port
from lightning.pytorch.strategies import DDPStrategy
from runs import Answering
from torch import multiprocessing

from speciarl_pl.callbacks import (
    Continuation,
    ResultsWriter,
    RolloutCallback,
    RolloutLog,
    Sampling,
)
from speciarl_pl.callbacks.rollout_log import on_rank_zero
from speciarl_pl.category import Category
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.data.datasets import ImageFolder, WorldImages
from speciarl_pl.data.judge_owner import JudgeOwner
from speciarl_pl.engine import Engine, TransformersEngine
from speciarl_pl.judge import ExactJudge, Judge
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import LoraSpec
from speciarl_pl.records import Unjudged, Verdict

SECONDS = 20
"""After which a rank that waits for the other gives up, and the test fails."""


class Half(Judge):
    """Answers on rank 0; on rank 1 all it is asked is left unjudged."""

    def judge(self, pairs):
        if torch.distributed.get_rank() == 0:
            return [Verdict(Category.SPECIFIC, "test") for _ in pairs]
        return [Unjudged("down") for _ in pairs]


class Shut(ExactJudge):
    """Cannot be opened on one rank."""

    def __init__(self, rank):
        self.rank = rank

    def __enter__(self):
        if torch.distributed.get_rank() == self.rank:
            raise OSError("no taxonomy on this node")
        return super().__enter__()


class Nowhere(Engine):
    """A server that is none; `broken` is the rank on which getting in touch with it fails."""

    shared = True

    def __init__(self, broken):
        self.broken = broken

    def open(self, policy):
        if torch.distributed.get_rank() == self.broken:
            raise KeyError("max_model_len")
        super().open(policy)

    def draw(self, requests, sampling, finished=None):
        raise NotImplementedError

    def push(self, version, old):
        assert torch.distributed.get_rank() == 0


class Mute(TransformersEngine):
    """Cannot draw on rank 1."""

    def draw(self, requests, sampling, finished=None):
        if torch.distributed.get_rank() == 1:
            raise MemoryError("the GPU is full")
        return super().draw(requests, sampling, finished)


def trainer_of(folder, *callbacks):
    return L.Trainer(
        accelerator="cpu",
        strategy=DDPStrategy(timeout=timedelta(seconds=SECONDS), process_group_backend="gloo"),
        devices=2,
        use_distributed_sampler=False,
        inference_mode=False,
        default_root_dir=folder,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def module_of(share=0.5):
    module = SpeciaRLModule(
        dtype="float32",
        lora=LoraSpec(r=2, alpha=4),
        max_unjudged_share=share,
        judge_patience_s=0,
    )
    module.configure_model()
    return module


def engine(kind=Answering):
    return kind(sampling=Sampling(max_new_tokens=2), seed=0)


def validated(folder, *callbacks, share=0.5, judge=None, val=None, drawing=Answering):
    val = val or WorldImages("train", n=4, seed=1, name="seen")
    data = OpenWorldDataModule(val=[val], judge=judge, prompt="brief", val_batch_size=2)
    trainer = trainer_of(folder, engine(drawing), *callbacks)
    trainer.validate(module_of(share), datamodule=data, verbose=False)


def a_push_fails_on_rank_0(folder):
    sync(folder, broken=0)


def following_a_push_fails_on_rank_1(folder):
    sync(folder, broken=1)


def a_push_that_works(folder):
    sync(folder, broken=None)


def sync(folder, broken):
    module = module_of()
    module.trainer = trainer_of(folder)
    callback = RolloutCallback(Nowhere(broken))
    callback.prepare(module)
    assert callback.sync.version.number == 1


def unjudged_on_rank_1_is_half_of_all_and_too_much(folder):
    validated(folder, judge=Half(), share=0.49)


def unjudged_on_rank_1_is_half_of_all_and_allowed(folder):
    validated(folder, judge=Half(), share=0.5)


def rollouts_fail_on_rank_1(folder):
    validated(folder, drawing=partial(RolloutCallback, Mute()))


def a_data_set_is_missing_on_rank_1(folder):
    images = Path(folder, f"images-{torch.distributed.get_rank()}")
    validated(folder, val=ImageFolder(str(images), name="x"))


def a_judge_opens_on_rank_0_only(folder):
    JudgeOwner(Shut(1)).open(trainer_of(folder))


def a_judge_opens_on_rank_1_only(folder):
    JudgeOwner(Shut(0)).open(trainer_of(folder))


def what_rank_0_does_alone_fails(folder):
    on_rank_zero(trainer_of(folder), lambda: {}["predictions"])


def the_rollouts_of_an_earlier_run_cannot_be_read(folder):
    log = RolloutLog()
    continuation = Continuation(engine(), log, {})
    continuation._settings = lambda *_: {"command": "unknown"}
    validated(folder, log, continuation)


def rollouts_cannot_be_written_on_rank_1(folder):
    log = RolloutLog()
    log.settings = {}
    if torch.distributed.get_rank() == 1:
        log.files = lambda trainer: {}["disk"]
    validated(folder, log)


def results_cannot_be_written(folder):
    Path(folder, "results.json").mkdir(parents=True, exist_ok=True)  # a folder in its place
    validated(folder, ResultsWriter())


SCENARIOS = (
    a_push_fails_on_rank_0,
    following_a_push_fails_on_rank_1,
    a_push_that_works,
    unjudged_on_rank_1_is_half_of_all_and_too_much,
    unjudged_on_rank_1_is_half_of_all_and_allowed,
    rollouts_fail_on_rank_1,
    a_data_set_is_missing_on_rank_1,
    a_judge_opens_on_rank_0_only,
    a_judge_opens_on_rank_1_only,
    what_rank_0_does_alone_fails,
    the_rollouts_of_an_earlier_run_cannot_be_read,
    rollouts_cannot_be_written_on_rank_1,
    results_cannot_be_written,
)


def work(rank, folder, port):
    torch.set_num_threads(1)
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "GROUP_RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "TORCHELASTIC_RUN_ID": "none",  # as torchrun leaves them
    }
    trainer_of(folder).strategy.setup_environment()
    found = {}
    for scenario in SCENARIOS:
        start = time.monotonic()
        error = _error_of(scenario, f"{folder}/{scenario.__name__}")
        found[scenario.__name__] = (*error, time.monotonic() - start)
    torch.save(found, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def _error_of(scenario, folder):
    Path(folder, "images-0", "dog").mkdir(parents=True, exist_ok=True)
    Path(folder, "images-0", "dog", "0.png").touch()
    try:
        scenario(folder)
    except Exception as error:
        return type(error).__name__, str(error)
    return None, ""


def run(folder):
    """By rank and scenario: name and message of the error, and seconds until it came."""
    multiprocessing.spawn(work, (str(folder), free_port()), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]
