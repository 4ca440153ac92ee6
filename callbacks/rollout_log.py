"""rollouts.parquet: one row a rollout, to look at what the policy said and what it got for it."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import lightning as L
import pyarrow as pa
import pyarrow.parquet as pq

from speciarl_pl.category import Category
from speciarl_pl.errors import RunError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import (
    Answer,
    Batch,
    JudgedGroup,
    Outcome,
    ScoredGroup,
    Unparsed,
    Verdict,
)
from speciarl_pl.run_files import replacing

SCHEMA: Final = pa.schema(
    {
        "stage": pa.string(),  # base, train or val
        "step": pa.int64(),  # training batches before it
        "dataset": pa.string(),
        "sample_id": pa.string(),
        "subset": pa.string(),
        "truth": pa.string(),
        "index": pa.int32(),  # which rollout of its group
        "text": pa.string(),
        "answer": pa.string(),  # null if unparsed
        "verdict": pa.string(),  # category, unparsed or unjudged
        "detail": pa.string(),  # source of the verdict, or why there is none
        "reward": pa.float32(),  # null in validation and where unjudged
        "advantage": pa.float32(),
        "tokens": pa.int32(),
        "finish_reason": pa.string(),
        "seed": pa.int64(),
    }
)
_KEY: Final = ("stage", "step", "dataset", "sample_id", "index")


class RolloutLog(L.Callback):
    """Keeps every rollout of training and validation in rollouts.parquet.

    Rows are written as parts under `rollouts.parts/` while the run goes on, so that a killed run
    loses `flush_every` batches at most, and joined into the one file when the run ends. A resumed
    run replaces the rows of the steps it repeats.

    Args:
        flush_every: Training batches between two parts.
    """

    def __init__(self, flush_every: int = 20) -> None:
        if flush_every < 1:
            raise ValueError(f"flush_every: expected an int >= 1, got {flush_every}")
        self.flush_every = flush_every
        self._rows: list[dict[str, Any]] = []

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Keep the scored rollouts of the batch."""
        step = pl_module.batches_trained - 1
        for scored in outputs["scored"]:
            self._rows.extend(scored_rows(scored, step))
        if (step + 1) % self.flush_every == 0:
            self._flush(trainer)

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: Any,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the judged rollouts of the batch."""
        stage = "base" if trainer.sanity_checking else "val"
        for judged in outputs["judged"]:
            self._rows.extend(judged_rows(judged, stage, pl_module.batches_trained))

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write what there is."""
        self._flush(trainer)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Write what there is; a second failure must not hide the first."""
        with suppress(RunError):
            self._flush(trainer)
            if trainer.is_global_zero:
                _join(Path(trainer.default_root_dir))

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Write the one file."""
        assert isinstance(pl_module, SpeciaRLModule)
        self._flush(trainer)
        trainer.strategy.barrier("rollouts.parquet")
        if trainer.is_global_zero:
            _join(Path(trainer.default_root_dir))

    def _flush(self, trainer: L.Trainer) -> None:
        if not self._rows:
            return
        folder = _parts_folder(Path(trainer.default_root_dir))
        count = len(list(folder.glob("*.parquet"))) if folder.is_dir() else 0
        path = folder / f"{count:06d}-{trainer.global_rank}.parquet"
        with replacing(path) as part:
            pq.write_table(pa.Table.from_pylist(self._rows, SCHEMA), part)
        self._rows = []


def judged_rows(judged: JudgedGroup, stage: str, step: int) -> Iterator[dict[str, Any]]:
    """Rows of one group, without rewards."""
    sample = judged.group.sample
    rollouts = zip(judged.group.rollouts, judged.answers, judged.outcomes, strict=True)
    for index, (rollout, answer, outcome) in enumerate(rollouts):
        verdict, detail = _verdict(outcome)
        yield {
            "stage": stage,
            "step": step,
            "dataset": sample.dataset,
            "sample_id": sample.id,
            "subset": sample.subset,
            "truth": sample.truth,
            "index": index,
            "text": rollout.text,
            "answer": answer.text if isinstance(answer, Answer) else None,
            "verdict": verdict,
            "detail": detail,
            "tokens": rollout.tokens.numel(),
            "finish_reason": rollout.finish_reason,
            "seed": rollout.seed,
        }


def scored_rows(scored: ScoredGroup, step: int) -> Iterator[dict[str, Any]]:
    """Rows of one training group."""
    rewards, advantages = scored.rewards.tolist(), scored.advantages.tolist()
    for row in judged_rows(scored.judged, "train", step):
        reward = rewards[row["index"]]
        known = reward == reward  # NaN where there is no verdict
        yield {**row, "reward": reward if known else None, "advantage": advantages[row["index"]]}


def _verdict(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome, Verdict):
        return Category(outcome.category).label, outcome.source
    return ("unparsed" if isinstance(outcome, Unparsed) else "unjudged"), outcome.reason


def _parts_folder(directory: Path) -> Path:
    return directory / "rollouts.parts"


def _join(directory: Path) -> None:
    """Put all parts behind what rollouts.parquet already holds; a later row replaces an earlier."""
    folder, path = _parts_folder(directory), directory / "rollouts.parquet"
    parts = sorted(folder.glob("*.parquet"))
    if not parts:
        return
    files = [path, *parts] if path.exists() else parts
    table = pa.concat_tables(pq.read_table(file, schema=SCHEMA) for file in files)
    with replacing(path) as part:
        pq.write_table(table.take(_last_of_each(table)), part)
    for file in parts:
        file.unlink()
    with suppress(OSError):  # after an exception another rank may still be writing its part
        folder.rmdir()


def _last_of_each(table: pa.Table) -> Sequence[int]:
    keys = zip(*(table[name].to_pylist() for name in _KEY), strict=True)
    last = dict(zip(keys, itertools.count(), strict=False))
    return sorted(last.values())
