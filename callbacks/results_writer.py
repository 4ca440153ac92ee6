"""results.json, and the table a run prints when it is done."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import lightning as L

from speciarl_pl.callbacks.rollout import RolloutCallback
from speciarl_pl.callbacks.rollout_log import RolloutLog
from speciarl_pl.errors import DataError, RunError
from speciarl_pl.metrics.functional import Summary, judge_coverage
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.older_protocol import OlderProtocol, Prediction, distinct_pairs
from speciarl_pl.report.remarks import remarks
from speciarl_pl.report.results_table import results_table, trouble_table
from speciarl_pl.report.stages import trained_name
from speciarl_pl.run.results import BASE_NAME, NAME, note_last_step, results_json
from speciarl_pl.run.rollouts import RolloutFiles
from speciarl_pl.step.tree_scores import AncestorSets, tree_scores
from speciarl_pl.system.files import read_json, write_json
from speciarl_pl.system.terminal import console, say
from speciarl_pl.system.together import together

_NAMED: Final = 5
"""Files that an error names."""


class ResultsWriter(L.Callback):
    """Writes results.json after every validation, and results.base.json after one of the base.

    The base is validated in a `fit` with `trainer.num_sanity_val_steps: -1`.

    Args:
        protocol: The older protocol's metrics, which `validate` adds; None leaves them out.
        log: Keeps the answers that they look at; they need it.

    Raises:
        ValueError: If there is a protocol without a log.
    """

    def __init__(
        self, protocol: OlderProtocol | None = None, log: RolloutLog | None = None
    ) -> None:
        if protocol is not None and log is None:
            raise ValueError(
                "log: expected the RolloutLog of this run, whose answers `protocol` scores, got "
                "None; give the very one that is among the trainer's callbacks"
            )
        self._protocol, self._log = protocol, log
        self._base: dict[str, Summary] | None = None
        self._step: int | None = None
        """Training batches before the last validation of a fit; None before the first."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Make sure that what is needed is there, before anything is drawn.

        Raises:
            RunError: If the log is none of the trainer's callbacks.
        """
        if self._log is not None:
            self._log.check_among(trainer)
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
        files = self._rollouts(trainer)
        with together(trainer, RunError):
            if trainer.is_global_zero and (whole or not trainer.sanity_checking):
                name = BASE_NAME if trainer.sanity_checking else NAME
                content = self._content(trainer, pl_module, files)
                write_json(Path(trainer.default_root_dir, name), content)
        if trainer.is_global_zero and trainer.state.fn == "validate":
            step = _validated_step(trainer, pl_module)
            title = "results" if step is None else f"results (step {step})"
            _print(trainer, {title: pl_module.results})

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print base and trained model side by side, each under its own name."""
        assert isinstance(pl_module, SpeciaRLModule)
        if not trainer.is_global_zero:
            return
        last, folder = pl_module.batches_trained, Path(trainer.default_root_dir)
        note_last_step(folder, last)
        stages = {"base": self._base} if self._base else {}
        if self._step is not None:
            stages[trained_name(self._step, last)] = pl_module.results
        if stages:
            _print(trainer, stages)
        before = read_json(folder / NAME) or {}
        if self._step is None and before.get("step") == last:
            return  # a run that was finished before
        sets = cast(Any, trainer).datamodule.val_groups
        if sets and last and self._step != last and Path(folder, "adapter").exists():
            _say_what_is_not_validated(trainer, last)

    def _rollouts(self, trainer: L.Trainer) -> RolloutFiles | None:
        """The rollouts that the protocol looks at, from all ranks, which come here together."""
        wanted = trainer.state.fn == "validate" and self._protocol is not None
        return self._log.complete(trainer) if wanted and self._log is not None else None

    def _content(
        self, trainer: L.Trainer, module: SpeciaRLModule, files: RolloutFiles | None
    ) -> dict[str, Any]:
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        step = _validated_step(trainer, module)
        content = results_json(module.results, data.val_groups, module.codes, step)
        if files is not None and self._protocol is not None:
            for name, predictions in files.predictions("val").items():
                scores = prediction_scores(predictions, self._protocol, data.val_taxonomies[name])
                content["datasets"][name] |= scores
        return content


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


def _say_what_is_not_validated(trainer: L.Trainer, last: int) -> None:
    run = trainer.default_root_dir
    say(
        f"{run}/adapter is of step {last} and has not been validated; this does it:\n"
        f"python -m speciarl_pl validate --config {run}/config.yaml --model.adapter {run}/adapter"
    )


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
