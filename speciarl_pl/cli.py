"""The command line: LightningCLI over the module, the data and a rollout engine."""

import logging
import sys
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import lightning as L
from jsonargparse import Namespace
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import TensorBoardLogger

import speciarl_pl.data.datasets  # noqa: F401  (short class names work for what is imported)
from speciarl_pl.callbacks import (
    AdapterExport,
    ResultsWriter,
    RolloutCallback,
    RolloutLog,
    SkippedReport,
)
from speciarl_pl.checkpoint_io import WholeCheckpointIO
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.errors import RunError, SpeciaRLError
from speciarl_pl.metrics_csv import MetricsCSV
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.run_files import check_writable

_SUBCOMMANDS: Final = ("fit", "validate")

_TRAINER_DEFAULTS: Final[dict[str, Any]] = {
    "use_distributed_sampler": False,  # the data module's sampler shares samples out by itself
    "inference_mode": False,  # what generate leaves on the model is used in training again
    "log_every_n_steps": 1,
}


class SpeciaRLCLI(LightningCLI):
    """`fit` and `validate`, and a run directory for the files they leave."""

    def __init__(self, args: Sequence[str] | None = None) -> None:
        super().__init__(
            SpeciaRLModule,
            OpenWorldDataModule,
            args=list(args) if args is not None else None,
            seed_everything_default=0,
            trainer_defaults=_TRAINER_DEFAULTS,
            save_config_kwargs={"overwrite": True},
            auto_configure_optimizers=False,
            parser_kwargs={"prog": "python -m speciarl_pl"},
        )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Those of Lightning's that this package serves."""
        known = LightningCLI.subcommands()
        return {name: known[name] for name in _SUBCOMMANDS}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the run directory, the rollout engine and the checkpoints."""
        parser.add_argument(
            "--run_dir",
            type=str | None,
            default=None,
            help="Where the files of the run go (default: runs/<config name>/<time>).",
        )
        parser.add_lightning_class_args(RolloutCallback, "rollout", subclass_mode=True)
        parser.set_defaults({"rollout": {"class_path": "HFRolloutCallback"}})
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.set_defaults({"checkpoint.save_last": True, "checkpoint.filename": "{epoch}-{step}"})
        parser.link_arguments("seed_everything", "data.seed", compute_fn=_seed)

    def before_instantiate_classes(self) -> None:
        """Decide on the run directory and make sure that it can be used."""
        options = self.config[self.subcommand]
        run_dir = Path(options.run_dir or _default_run_dir(options.config))
        if (
            self.subcommand == "fit"
            and not options.ckpt_path
            and Path(run_dir, "config.yaml").exists()
        ):
            raise RunError(
                f"run directory {run_dir}: already holds a run; continue it with --ckpt_path "
                f"{run_dir}/checkpoints/last.ckpt or choose another --run_dir"
            )
        check_writable(run_dir)
        options.run_dir = str(run_dir)
        options.checkpoint.dirpath = options.checkpoint.dirpath or str(run_dir / "checkpoints")

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """Build the trainer with the callbacks and loggers that leave the run's files."""
        options: Namespace = self.config_init[self.subcommand]
        directory = options.run_dir
        config = {**options.trainer, **kwargs, "default_root_dir": directory}
        if config.get("logger") is None:
            config["logger"] = [
                MetricsCSV(directory),
                TensorBoardLogger(directory, name="", version="tensorboard"),
            ]
        config["plugins"] = [*_as_list(config.get("plugins")), WholeCheckpointIO()]
        callbacks = [
            options.rollout,  # first: the others look at the rollouts it attaches
            SkippedReport(),
            RolloutLog(),
            ResultsWriter(),
            AdapterExport(),
            options.checkpoint,
        ]
        return self._instantiate_trainer(config, callbacks)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: Arguments after the program name; None: those of this process.

    Returns:
        Exit code: 0, or 1 for an error that the user can act on, which is printed.
    """
    _quieten()
    try:
        SpeciaRLCLI(args)
    except SpeciaRLError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _quieten() -> None:
    """Hide what a user can do nothing about."""
    warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`")  # Lightning's own
    warnings.filterwarnings("ignore", ".*does not have many workers")  # drawing is cheap
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
        lambda record: "litlogger" not in record.getMessage()
    )


def _default_run_dir(configs: Sequence[Any] | None) -> Path:
    """`runs/<name of the last config file>/<time>`."""
    name = Path(str(configs[-1])).stem if configs else "default"
    return Path("runs", name, datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))


def _seed(seed: int | bool) -> int:
    return 0 if isinstance(seed, bool) else seed


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
