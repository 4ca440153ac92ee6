"""results.json, and the table a run prints when it is done."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import lightning as L
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from torch import Tensor

from speciarl_pl.callbacks.results_table import results_table
from speciarl_pl.callbacks.rollout_files import NAME as ROLLOUTS
from speciarl_pl.metrics.functional import Summary, group_averages, macro_average, macro_intervals
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.protocol import OlderProtocol, Prediction
from speciarl_pl.run_files import write_json

SCHEMA: Final = 1
"""Version of the form of results.json."""

_OF_OUR_OWN: Final = ("hierarchical", "judge_coverage")
"""What `OlderProtocol` gives beside the metrics of the older protocol."""


class ResultsWriter(L.Callback):
    """Writes results.json after every validation, and results.base.json after one of the base.

    The base is validated in a `fit` with `trainer.num_sanity_val_steps: -1`.

    Args:
        protocol: The older protocol's metrics, which `validate` adds; None leaves them out.
    """

    def __init__(self, protocol: OlderProtocol | None = None) -> None:
        self._protocol = protocol
        self._base: dict[str, Summary] | None = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Make sure that what the protocol needs is there, before anything is drawn."""
        if stage == "validate" and self._protocol is not None:
            self._protocol.check()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the file; after `validate`, print the table."""
        assert isinstance(pl_module, SpeciaRLModule)
        whole = trainer.num_sanity_val_steps == float("inf")
        if trainer.sanity_checking:
            self._base = pl_module.results if whole else None
        if trainer.is_global_zero and (whole or not trainer.sanity_checking):
            name = "results.base.json" if trainer.sanity_checking else "results.json"
            write_json(Path(trainer.default_root_dir, name), self._content(trainer, pl_module))
        if trainer.is_global_zero and trainer.state.fn == "validate":
            _print(trainer, {"results": pl_module.results})

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print base and trained model side by side."""
        assert isinstance(pl_module, SpeciaRLModule)
        if trainer.is_global_zero and pl_module.results:
            base = {"base": self._base} if self._base else {}
            _print(trainer, {**base, "trained": pl_module.results})

    def _content(self, trainer: L.Trainer, module: SpeciaRLModule) -> dict[str, Any]:
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        content = results_json(module.results, data.val_groups, module.codes)
        if trainer.state.fn == "validate" and self._protocol is not None:
            for name, predictions in _predictions(Path(trainer.default_root_dir)).items():
                scores = self._protocol.scores(predictions, data.val_taxonomies[name])
                content["datasets"][name] |= _by_kind(scores)
        return content


def results_json(
    results: Mapping[str, Summary],
    groups: Mapping[str, str | None] = MappingProxyType({}),
    codes: Mapping[str, Tensor] | None = None,
) -> dict[str, Any]:
    """The content of results.json.

    Args:
        results: Counts, rates and intervals by data set.
        groups: Group of each data set; see `group_averages`.
        codes: Outcomes by data set and image, for the intervals of the means.
    """
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "datasets": {name: dict(summary) for name, summary in results.items()},
        "macro": macro_average(results),
    }
    if codes:
        content["macro"]["ci95"] = macro_intervals(codes)
    means = group_averages(results, groups, codes or None)
    return {**content, "groups": means} if means else content


def _predictions(directory: Path) -> dict[str, list[Prediction]]:
    """What a validation predicted, by data set, in the order of the data."""
    columns = ["dataset", "truth", "answer", "verdict", "detail", "sample_id"]
    table = pq.read_table(directory / ROLLOUTS, columns=[*columns, "stage"])
    table = table.filter(pc.equal(table["stage"], "val")).select(columns)
    found: dict[str, list[Prediction]] = {}
    for dataset, *fields in zip(*(column.to_pylist() for column in table.columns), strict=True):
        found.setdefault(dataset, []).append(Prediction(*fields))
    return found


def _by_kind(scores: dict[str, Any]) -> dict[str, Any]:
    """The four metrics of the older protocol under one name."""
    own = {name: value for name, value in scores.items() if name in _OF_OUR_OWN}
    older = {name: value for name, value in scores.items() if name not in _OF_OUR_OWN}
    return {**own, **({"older": older} if older else {})}


def _print(trainer: L.Trainer, stages: Mapping[str, Mapping[str, Summary]]) -> None:
    data: Any = trainer.datamodule  # type: ignore[attr-defined]
    console = Console()
    if not console.is_terminal:
        console = Console(width=100)  # else 80, in which the names of means are broken up
    console.print(results_table(stages, data.val_groups))
    console.out(f"Run directory: {trainer.default_root_dir}", highlight=False)
