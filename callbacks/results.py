"""results.json, and the table a run prints when it is done."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import lightning as L
from rich.console import Console
from rich.table import Table
from rich.text import Text

from speciarl_pl.metrics.functional import Summary, macro_average
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.run_files import write_json

SCHEMA: Final = 1
"""Version of the form of results.json."""

_SHOWN: Final = ("specificity", "correctness", "hm")


class ResultsWriter(L.Callback):
    """Writes results.json after every validation, and results.base.json after one of the base.

    The base is validated in a `fit` with `trainer.num_sanity_val_steps: -1`.
    """

    def __init__(self) -> None:
        self._base: dict[str, Summary] | None = None

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the file; after `validate`, print the table."""
        assert isinstance(pl_module, SpeciaRLModule)
        whole = trainer.num_sanity_val_steps == float("inf")
        if trainer.sanity_checking:
            self._base = pl_module.results if whole else None
        if trainer.is_global_zero and (whole or not trainer.sanity_checking):
            name = "results.base.json" if trainer.sanity_checking else "results.json"
            write_json(Path(trainer.default_root_dir, name), results_json(pl_module.results))
        if trainer.is_global_zero and trainer.state.fn == "validate":
            _print(trainer, {"results": pl_module.results})

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print base and trained model side by side."""
        assert isinstance(pl_module, SpeciaRLModule)
        if trainer.is_global_zero and pl_module.results:
            base = {"base": self._base} if self._base else {}
            _print(trainer, {**base, "trained": pl_module.results})


def results_json(results: Mapping[str, Summary]) -> dict[str, Any]:
    """The content of results.json: counts, rates and intervals by data set, and their means."""
    return {"schema": SCHEMA, "datasets": dict(results), "macro": macro_average(results)}


def _print(trainer: L.Trainer, stages: Mapping[str, Mapping[str, Summary]]) -> None:
    console = Console()
    console.print(results_table(stages))
    console.out(f"Run directory: {trainer.default_root_dir}", highlight=False)


def results_table(stages: Mapping[str, Mapping[str, Summary]]) -> Table:
    """One row per data set, one column per metric, in each cell the stages side by side.

    Args:
        stages: By title, such as `base` and `trained`: the results by data set.
    """
    table = Table(title=" | ".join(stages))
    table.add_column("data set")
    table.add_column("images", justify="right")
    for metric in _SHOWN:
        table.add_column(metric, justify="right")
    last = list(stages.values())[-1]
    for name, summary in last.items():
        cells = [
            " | ".join(_number(results[name][metric]) for results in stages.values())
            for metric in _SHOWN
        ]
        table.add_row(Text(name), str(sum(summary["counts"].values())), *cells)
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
