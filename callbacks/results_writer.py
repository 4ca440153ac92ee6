"""results.json, and the table a run prints when it is done."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

import lightning as L
import pyarrow.compute as pc
import pyarrow.parquet as pq
from torch import Tensor

from speciarl_pl.callbacks.rollout import RolloutCallback
from speciarl_pl.errors import DataError, RunError
from speciarl_pl.metrics.functional import (
    Summary,
    counted,
    group_averages,
    judge_coverage,
    macro_average,
    macro_intervals,
)
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.older_protocol import OlderProtocol, Prediction, distinct_pairs
from speciarl_pl.report.remarks import remarks
from speciarl_pl.report.results_table import results_table, trouble_table
from speciarl_pl.report.stages import trained_name
from speciarl_pl.run.rollouts import NAME as ROLLOUTS
from speciarl_pl.step.tree_scores import AncestorSets, tree_scores
from speciarl_pl.system.files import read_json, write_json
from speciarl_pl.system.terminal import console, say
from speciarl_pl.system.together import together

SCHEMA: Final = 1
"""Version of the form of results.json."""

_NAMED: Final = 5
"""Files that an error names."""


class ResultsWriter(L.Callback):
    """Writes results.json after every validation, and results.base.json after one of the base.

    The base is validated in a `fit` with `trainer.num_sanity_val_steps: -1`.

    Args:
        protocol: The older protocol's metrics, which `validate` adds; None leaves them out.
    """

    def __init__(self, protocol: OlderProtocol | None = None) -> None:
        self._protocol = protocol
        self._base: dict[str, Summary] | None = None
        self._step: int | None = None
        """Training batches before the last validation of a fit; None before the first."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Make sure that what the protocol needs is there, before anything is drawn."""
        if stage == "validate" and self._protocol is not None:
            self._protocol.check()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the file; after `validate`, print the table.

        Raises:
            DataError: If no image could be read, in `validate` and in a validation of the base.
        """
        assert isinstance(pl_module, SpeciaRLModule)
        whole = trainer.num_sanity_val_steps == float("inf")
        if trainer.state.fn == "validate" or (trainer.sanity_checking and whole):
            check_readable(pl_module.results)
        if trainer.sanity_checking:
            self._base = pl_module.results if whole else None
        else:
            self._step = pl_module.batches_trained
        with together(trainer, RunError):
            if trainer.is_global_zero and (whole or not trainer.sanity_checking):
                name = "results.base.json" if trainer.sanity_checking else "results.json"
                write_json(Path(trainer.default_root_dir, name), self._content(trainer, pl_module))
        if trainer.is_global_zero and trainer.state.fn == "validate":
            step = _validated_step(trainer, pl_module)
            title = "results" if step is None else f"results (step {step})"
            _print(trainer, {title: pl_module.results})

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print base and trained model side by side, each under its own name."""
        assert isinstance(pl_module, SpeciaRLModule)
        if not trainer.is_global_zero:
            return
        last = pl_module.batches_trained
        _note_last_step(Path(trainer.default_root_dir, "results.json"), last)
        stages = {"base": self._base} if self._base else {}
        if self._step is not None:
            stages[trained_name(self._step, last)] = pl_module.results
        if stages:
            _print(trainer, stages)
        before = read_json(Path(trainer.default_root_dir, "results.json")) or {}
        if self._step is None and before.get("step") == last:
            return  # a run that was finished before
        sets = cast(Any, trainer).datamodule.val_groups
        exported = Path(trainer.default_root_dir, "adapter").exists()
        if sets and last and self._step != last and exported:
            _say_what_is_not_validated(trainer, last)

    def _content(self, trainer: L.Trainer, module: SpeciaRLModule) -> dict[str, Any]:
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        step = _validated_step(trainer, module)
        content = results_json(module.results, data.val_groups, module.codes, step)
        if trainer.state.fn == "validate" and self._protocol is not None:
            for name, predictions in _predictions(Path(trainer.default_root_dir)).items():
                scores = prediction_scores(predictions, self._protocol, data.val_taxonomies[name])
                content["datasets"][name] |= scores
        return content


def results_json(
    results: Mapping[str, Summary],
    groups: Mapping[str, str | None] = MappingProxyType({}),
    codes: Mapping[str, Tensor] | None = None,
    step: int | None = None,
) -> dict[str, Any]:
    """The content of results.json.

    Args:
        results: Counts, rates and intervals by data set.
        groups: Group of each data set; see `group_averages`.
        codes: Outcomes by data set and image, for the intervals of the means.
        step: Training batches before the validation; None where they are not known.
    """
    names = counted(results)
    left_out = [name for name in results if name not in names]
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "step": step,
        "datasets": {name: dict(summary) for name, summary in results.items()},
        "macro": {"datasets": names, **macro_average(results)},
    }
    if left_out:
        content["macro"]["left_out"] = left_out
    if codes:
        content["macro"]["ci95"] = macro_intervals({name: codes[name] for name in names})
    means = group_averages(results, groups, codes or None)
    return {**content, "groups": means} if means else content


def check_readable(results: Mapping[str, Summary]) -> None:
    """Make sure that a validation has an image at all.

    Raises:
        DataError: If none of any data set could be read; names the first.
    """
    if not results or any(summary["images"] for summary in results.values()):
        return
    skipped = [summary["skipped"] for summary in results.values() if "skipped" in summary]
    count = sum(one["count"] for one in skipped)
    named = [one["reason"] for each in skipped for one in each["samples"]][:_NAMED]
    raise DataError(
        f"validation: none of {count} images could be read: {'; '.join(named)}"
        f"{'; ...' if count > len(named) else ''}"
    )


def _validated_step(trainer: L.Trainer, module: SpeciaRLModule) -> int | None:
    """Training batches before this validation; an adapter folder does not say."""
    of_checkpoint = getattr(trainer, "ckpt_path", None) is not None
    known = trainer.state.fn != "validate" or of_checkpoint
    return module.batches_trained if known else None


def _note_last_step(path: Path, last: int) -> None:
    """Let the file say when the training ended, which it did after or with that validation."""
    if content := read_json(path):
        write_json(path, {**content, "last_step": last})


def _say_what_is_not_validated(trainer: L.Trainer, last: int) -> None:
    run = trainer.default_root_dir
    say(
        f"{run}/adapter is of step {last} and has not been validated; this does it:\n"
        f"python -m speciarl_pl validate --config {run}/config.yaml --model.adapter {run}/adapter"
    )


def _predictions(directory: Path) -> dict[str, list[Prediction]]:
    """What a validation predicted, by data set, in the order of the data."""
    columns = ["dataset", "truth", "answer", "verdict", "detail", "sample_id"]
    table = pq.read_table(directory / ROLLOUTS, columns=[*columns, "stage"])
    table = table.filter(pc.equal(table["stage"], "val")).select(columns)
    found: dict[str, list[Prediction]] = {}
    for dataset, *fields in zip(*(column.to_pylist() for column in table.columns), strict=True):
        found.setdefault(dataset, []).append(Prediction(*fields))
    return found


def prediction_scores(
    predictions: Sequence[Prediction], protocol: OlderProtocol, taxonomy: str | None
) -> dict[str, Any]:
    """What results.json says of the predictions of a data set beside their rates.

    Args:
        predictions: In any order.
        protocol: The older protocol's metrics, and whether to give scores by the tree.
        taxonomy: Name or path of the tree of the data set; None if there is none.

    Returns:
        `hierarchical`, if there is a tree and it is wanted; `judge_coverage`; and `older`, if a
        metric of the older protocol is on.

    Raises:
        JudgeError: If there is no such taxonomy, or its file is malformed.
    """
    found = distinct_pairs(predictions)
    scores: dict[str, Any] = {}
    if protocol.hierarchical and taxonomy is not None:
        scores["hierarchical"] = tree_scores(found, AncestorSets(taxonomy))
    scores["judge_coverage"] = judge_coverage(one.outcome for one in predictions)
    older = protocol.scores(found)
    return {**scores, "older": older} if older else scores


def _print(trainer: L.Trainer, stages: Mapping[str, Mapping[str, Summary]]) -> None:
    data: Any = trainer.datamodule  # type: ignore[attr-defined]
    out = console()
    if not out.is_terminal:
        out = console(width=100)  # else 80, in which the names of means are broken up
    out.print(results_table(stages, data.val_groups))
    if trouble := trouble_table(stages):
        out.print(trouble)
    callbacks = getattr(trainer, "callbacks", ())
    engine = next((one for one in callbacks if isinstance(one, RolloutCallback)), None)
    limit = None if engine is None else engine.val_sampling.max_new_tokens
    for line in remarks(stages, limit):
        say(line)
    say(f"Run directory: {trainer.default_root_dir}")
