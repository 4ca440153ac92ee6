"""A small `fit` on two processes; run as a script, which Lightning starts once more for rank 1.

`python tests/ddp_fit.py FOLDER [vllm | judge | URL ...]` leaves FOLDER/run, and FOLDER/<rank>.pt of
every rank; rollouts come from transformers, from vLLM in each process, or from servers. `judge`
puts a judge behind a store, which notes in FOLDER/asked what it is asked, and by which process.
"""

import os
import sys
from pathlib import Path

import lightning as L
import torch
from counting import CountingJudge
from runs import Answering, Luck

from speciarl_pl.callbacks import (
    AdapterExport,
    HFRolloutCallback,
    ResultsWriter,
    RolloutCallback,
    RolloutLog,
    Sampling,
    SkippedReport,
    VLLMRolloutCallback,
    VLLMServerRolloutCallback,
)
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.data.datasets import WorldImages
from speciarl_pl.grpo import GRPOLoss
from speciarl_pl.judge import CachedJudge, Judge, TaxonomyJudge
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import LoraSpec

VAL = {"seen": 5, "unseen": 2}
"""Seven images in batches of two: an empty batch on one rank."""


def engine(kinds: list[str]) -> RolloutCallback:
    options = {"group_size": 2, "sampling": Sampling(max_new_tokens=8), "seed": 3}
    if kinds == ["vllm"]:
        return VLLMRolloutCallback(kv_cache_bytes=2**27, **options)
    if kinds == ["judge"]:
        return Answering(**options)
    if kinds:
        return VLLMServerRolloutCallback(kinds, **options)
    return HFRolloutCallback(**options)


def judge(folder: Path, kinds: list[str]) -> Judge:
    if kinds != ["judge"]:
        return TaxonomyJudge("world")
    return CachedJudge(CountingJudge(str(folder / "asked")), str(folder / "verdicts.sqlite"))


def main(folder: Path, devices: int = 2, kinds: list[str] = []) -> None:  # noqa: B006
    torch.set_num_threads(1)
    torch.manual_seed(3)
    module = SpeciaRLModule(
        dtype="float32",
        lora=LoraSpec(r=4, alpha=8),
        reward=Luck(),
        loss=GRPOLoss(kl_coefficient=0.02),
        mini_batches=2,
        micro_batch_groups=1,
        optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=0.003),
    )
    data = OpenWorldDataModule(
        train=WorldImages("train", n=8),
        val=[
            WorldImages("train", n=VAL["seen"], seed=1, name="seen"),
            WorldImages("held_out", n=VAL["unseen"], seed=2, name="unseen"),
        ],
        judge=judge(folder, kinds),
        prompt="brief",
        batch_size=4 // devices,
        val_batch_size=2,
    )
    trainer = L.Trainer(
        accelerator="cpu",
        strategy="ddp" if devices > 1 else "auto",
        devices=devices,
        max_steps=2,  # batches, of two mini-batches each
        num_sanity_val_steps=-1,
        use_distributed_sampler=False,
        inference_mode=False,
        default_root_dir=folder / "run",
        callbacks=[
            engine(kinds),
            SkippedReport(),
            RolloutLog(flush_every=1),
            ResultsWriter(),
            AdapterExport(),
        ],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=data)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    results = {
        "adapter": state,
        "results": module.results,
        "batches": module.batches_trained,
        "process": os.getpid(),
    }
    torch.save(results, folder / f"{trainer.global_rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), kinds=sys.argv[2:])
