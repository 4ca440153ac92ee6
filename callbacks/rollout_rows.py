"""One rollout as a row of rollouts.parquet."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from speciarl_pl.category import Category
from speciarl_pl.records import (
    Answer,
    JudgedGroup,
    Outcome,
    ScoredGroup,
    Unparsed,
    Verdict,
)

SCHEMA: Final = pa.schema(
    {
        "stage": pa.string(),  # base, train, val or predict
        "step": pa.int64(),  # training batches before it
        "position": pa.int64(),  # of the sample among all of its stage
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
"""Columns of rollouts.parquet."""


def judged_rows(judged: JudgedGroup, stage: str, step: int) -> Iterator[dict[str, Any]]:
    """Rows of one group, without rewards."""
    sample = judged.group.sample
    rollouts = zip(judged.group.rollouts, judged.answers, judged.outcomes, strict=True)
    for index, (rollout, answer, outcome) in enumerate(rollouts):
        verdict, detail = _verdict(outcome)
        yield {
            "stage": stage,
            "step": step,
            "position": sample.position,
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
