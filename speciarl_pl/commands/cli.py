"""The command line: LightningCLI over the module, the data and a rollout engine."""

import os
import sys
import warnings
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

import lightning as L
from jsonargparse import ArgumentError, Namespace, set_parsing_settings
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only

from speciarl_pl.callbacks import (
    AdapterExport,
    Continuation,
    PolicySummary,
    PredictionWriter,
    ProgressLines,
    ReportWriter,
    ResultsWriter,
    RolloutCallback,
    RolloutLog,
    RolloutTables,
    RunConfig,
    RunRecorder,
    RunStopped,
    RunWatch,
    SkippedReport,
    StopCheckpoint,
    Thumbnails,
)
from speciarl_pl.class_paths import parse_older
from speciarl_pl.commands.all_data_sets import parse_for_all
from speciarl_pl.commands.config_files import check_yaml, config_files
from speciarl_pl.commands.front_door import PROGRAM, PURPOSE
from speciarl_pl.commands.option_words import one_is_a_list, own_options_first
from speciarl_pl.commands.parse_errors import said_plainly
from speciarl_pl.commands.running import run_command
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.errors import RunError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.older_protocol import OlderProtocol
from speciarl_pl.run.checkpoint import (
    WholeCheckpointIO,
    batches_in,
    find_checkpoint,
    is_whole,
    newest_checkpoint,
)
from speciarl_pl.run.loggers import building, check_packages, open_loggers, run_loggers
from speciarl_pl.run.start import Start, decide, set_aside
from speciarl_pl.shipped_configs import with_shipped_configs
from speciarl_pl.step.trainer_check import check_trainer
from speciarl_pl.system.files import check_writable, new_directory, remove_unfinished, take
from speciarl_pl.system.rank_watch import LEADER_VARIABLE, watch_leader
from speciarl_pl.system.terminal import say

set_parsing_settings(import_path_denylist=[])  # refuses `os.system` and the like, as version 5 will

_SUBCOMMANDS: Final = ("fit", "validate", "predict")

_STRICT: Final[dict[str, Any]] = {
    "exit_on_error": False,
    "allow_abbrev": False,  # a misspelt option must not pass for another one's beginning
}

_TRACES: Final = ("adapter", "checkpoints")
"""What may not be in the directory of a `validate` or `predict`."""

_CHANGING: Final = ("--ckpt_path", "--run_dir")
"""Options with which a run goes on."""

_INTERRUPTED: Final = 130
"""Exit code after Ctrl-C."""

_MODEL_IDENTITY: Final = (
    "base",
    "quantization",
    "dtype",
    "min_pixels",
    "max_pixels",
    "max_answer_chars",
)
"""Arguments of the module that rollouts depend on, beside the adapter."""

_RUN_DIR_VARIABLE: Final = "SPECIARL_RUN_DIR"
"""Tells the run directory to the processes that Lightning starts for the other ranks."""

_TRAINER_DEFAULTS: Final[dict[str, Any]] = {
    "use_distributed_sampler": False,  # the data module's sampler shares samples out by itself
    "inference_mode": False,  # what generate leaves on the model is used in training again
    "log_every_n_steps": 1,
    "enable_model_summary": False,  # a table of one row and no FLOPs; PolicySummary says it
}


class SpeciaRLCLI(LightningCLI):
    """`fit`, `validate` and `predict`, and a run directory for the files they leave."""

    def __init__(self, args: Sequence[str] | None = None) -> None:
        _try_int_before_float(L.Trainer)
        self._words: list[str] = sys.argv[1:] if args is None else list(args)
        # Each costs a quarter of a second: only that of the command line gets its options.
        self._names = [name for name in _SUBCOMMANDS if name in self._words] or _SUBCOMMANDS
        super().__init__(
            SpeciaRLModule,
            OpenWorldDataModule,
            args=list(args) if args is not None else None,
            seed_everything_default=0,
            trainer_defaults=_TRAINER_DEFAULTS,
            save_config_callback=RunConfig,
            save_config_kwargs={"overwrite": True},
            auto_configure_optimizers=False,
            parser_kwargs={
                "prog": PROGRAM,
                "description": PURPOSE,
                **_STRICT,
                **{name: dict(_STRICT) for name in self._names},  # Lightning adds to them
            },
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]  # Lightning's is static
        """That of Lightning's which is run; all that this package serves where none is named."""
        known = LightningCLI.subcommands()
        return {name: known[name] for name in self._names}

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
        parser.add_class_arguments(RunWatch, "watch")
        parser.add_class_arguments(ProgressLines, "progress")
        parser.add_class_arguments(RolloutTables, "tables")
        parser.add_class_arguments(OlderProtocol, "protocol")
        parser.add_argument(
            "--gallery",
            type=int,
            default=200,
            help="Images that the pages of the run show, over all data sets; 0 for none.",
        )
        parser.link_arguments("seed_everything", "data.seed", compute_fn=_seed)
        own_options_first(parser)

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse, and decide where the run begins; a checkpoint that is none is refused."""
        words = one_is_a_list(with_shipped_configs(self._words))
        for path in config_files(words):
            check_yaml(path)
        try:
            self.config = parse_older(lambda: parse_for_all(parser.parse_args, words))
        except ArgumentError as error:
            raise ArgumentError(None, self._said_plainly(error, words)) from error
        options = self.config[self.config.subcommand]
        run = options.run_dir and Path(options.run_dir)
        folder = options.checkpoint.dirpath and Path(options.checkpoint.dirpath)
        self._start = Start()
        if self.config.subcommand == "fit":
            first = not getattr(rank_zero_only, "rank", 0)
            self._start = decide(run, options.ckpt_path, folder, self._command(), first)
            begun = self._start.checkpoint
            options.ckpt_path = None if begun is None else str(begun)
        elif options.ckpt_path:
            options.ckpt_path = str(find_checkpoint(options.ckpt_path, run, folder))
        if options.ckpt_path:
            _check_checkpoint(options.ckpt_path)

    def _parse_ckpt_path(self) -> None:
        """Take no arguments from a checkpoint, for which Lightning would read it here: it has none.

        What it needs of base and adapter it says itself, where it is loaded.
        """

    def _said_plainly(self, error: ArgumentError, words: Sequence[str]) -> str:
        parsers = [self._parser(name) for name in self._names]
        options = {option for one in parsers for option in one._option_string_actions}
        return said_plainly(error, options, words)

    def before_instantiate_classes(self) -> None:
        """Decide on the run directory and make sure that it can be used."""
        options = self.config[self.subcommand]
        check_packages(options.trainer.logger)
        if getattr(rank_zero_only, "rank", 0):
            options.run_dir = options.run_dir or _run_dir_of_rank_zero()
            watch_leader()
            return
        os.environ[LEADER_VARIABLE] = str(os.getpid())
        run_dir = Path(options.run_dir) if options.run_dir else _new_run_dir(options.config)
        if self.subcommand != "fit" and any((run_dir / name).exists() for name in _TRACES):
            newest = newest_checkpoint(run_dir)
            advice = f", or continue it by fit with --ckpt_path {newest}" if newest else ""
            raise RunError(
                f"run directory {run_dir}: already holds a run; choose another --run_dir{advice}"
            )
        if SLURMEnvironment.detect() and not options.run_dir:
            warnings.warn(
                "a job that SLURM starts again begins anew, in another directory, unless the "
                "command names its directory with --run_dir",
                stacklevel=2,
            )
        check_writable(run_dir)
        take(run_dir)
        remove_unfinished(run_dir)
        if said := set_aside(self._start, run_dir):
            say(said, stderr=True)
        options.run_dir = os.environ[_RUN_DIR_VARIABLE] = str(run_dir)
        say(f"Run directory: {run_dir}", stderr=True)

    def instantiate_classes(self) -> None:
        """Build data, module and trainer, and see to it that they fit each other."""
        with building():
            super().instantiate_classes()
        check_trainer(self.trainer, fitting=self.subcommand == "fit")
        if not getattr(rank_zero_only, "rank", 0):
            open_loggers(self.trainer.loggers, self.trainer.default_root_dir)

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """Build the trainer with the callbacks and loggers that leave the run's files.

        Raises:
            RunError: If Lightning refuses an option, such as a GPU where there is none.
        """
        options: Namespace = self.config_init[self.subcommand]
        directory = options.run_dir
        # Neither belongs into config.yaml: a repeated run begins anew, in a directory of its own.
        self.config[self.subcommand].ckpt_path = None
        if self.subcommand == "validate":
            options.verbose = False  # ResultsWriter prints the table
        if self.subcommand == "predict":
            options.return_predictions = False  # PredictionWriter has them
        options.checkpoint.dirpath = options.checkpoint.dirpath or str(
            Path(directory, "checkpoints").absolute()
        )
        config = {**options.trainer, **kwargs, "default_root_dir": directory}
        config["logger"] = run_loggers(directory, config.get("logger"), self._behind(options))
        if config.get("enable_progress_bar") is None and not sys.stdout.isatty():
            config["enable_progress_bar"] = False  # ProgressLines says it
        config["plugins"] = [*_as_list(config.get("plugins")), WholeCheckpointIO()]
        callbacks = self._callbacks(options)
        try:
            return self._instantiate_trainer(config, callbacks)
        except (MisconfigurationException, ValueError, RuntimeError, ImportError) as error:
            self.datamodule.look_at(str(self.subcommand))  # what the user can mend right here
            raise RunError(f"trainer: {error}") from error

    def _behind(self, options: Namespace) -> int | None:
        """Training batches before this run; TensorBoard forgets what it knows of later ones."""
        path = options.ckpt_path if self.subcommand == "fit" else None
        return batches_in(Path(path)) if path else None

    def _callbacks(self, options: Namespace) -> list[L.Callback]:
        """Those that make a run; what one needs of another it is given."""
        log, recorder = RolloutLog(), RunRecorder()
        return [
            StopCheckpoint(self._command()),  # keeps what was before the others
            options.progress,  # takes the time before the engine draws
            options.rollout,  # the others look at the rollouts it attaches
            PolicySummary(),
            log,
            options.watch,  # after the log, which has the batch that it stops at
            options.tables,
            Continuation(options.rollout, log, self._identity()),
            Thumbnails(options.gallery),
            recorder,
            ResultsWriter(options.protocol, log),
            PredictionWriter(log, options.gallery),
            AdapterExport(),
            options.checkpoint,
            ReportWriter(log, recorder),
            SkippedReport(options.watch.max_skipped_share),  # fails once the report is written
        ]

    def _command(self) -> list[str]:
        """The command line of this run, without what another start of it changes."""
        return ["python", "-m", "speciarl_pl", *without_options(self._words, _CHANGING)]

    def _identity(self) -> dict[str, Any]:
        """What of the configuration the rollouts and verdicts of a validation depend on."""
        options = self.config[self.subcommand]
        model = {name: options.model[name] for name in _MODEL_IDENTITY}
        judge = options.data.judge
        return {**model, "judge": judge and judge.as_dict()}


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: Arguments after the program name; None: those of this process.

    Returns:
        Exit code: 0; 1 for an error that the user can act on; 2 for a wrong argument; 128 and the
        number of the signal that stopped it. The error is printed in a line.
    """

    def command() -> int:
        try:
            SpeciaRLCLI(args)
        except RunStopped as stop:
            stop.wait()
            return int(stop.code or 0)
        except RuntimeError as error:
            if isinstance(lost := getattr(error, "lost", None), RunError):
                raise lost from error  # another rank is gone
            raise
        except SystemExit as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning's, before training
                return _INTERRUPTED
            raise
        except KeyboardInterrupt:
            return _INTERRUPTED
        return 0

    return run_command(command)


def _try_int_before_float(kind: type[L.Trainer]) -> None:
    """Have options such as `limit_val_batches` read 1 as one batch, not as 1.0, which is all.

    They are annotated `Optional[Union[int, float]]`. `typing` hands out an equal annotation that
    was made before, whatever its order, so that it depends on the packages that are installed
    which of the two jsonargparse tries first.
    """
    annotations = kind.__init__.__annotations__
    for name, annotation in annotations.items():
        if set(get_args(annotation)) == {int, float, type(None)}:
            annotations[name] = int | float | None


def without_options(words: Sequence[str], options: Collection[str]) -> list[str]:
    """Leave options and their values out of a command line.

    Example:
        >>> without_options(["fit", "--a", "1", "--b=2", "--c", "3"], ["--a", "--b"])
        ['fit', '--c', '3']
    """
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word.partition("=")[0] not in options:
            kept.append(word)
        skip = word in options
    return kept


def _check_checkpoint(path: str) -> None:
    if not is_whole(Path(path)):
        raise RunError(f"ckpt_path: {path}: not a checkpoint, or one cut short; take another")


def _run_dir_of_rank_zero() -> str:
    """The run directory that rank 0 chose.

    Raises:
        RunError: If this process was not started by rank 0 and cannot know it.
    """
    if directory := os.environ.get(_RUN_DIR_VARIABLE):
        return directory
    raise RunError("run_dir: several processes share a run; name its directory with --run_dir")


def _new_run_dir(configs: Sequence[Any] | None) -> Path:
    """`runs/<name of the last config file>/<time>`, new."""
    name = Path(str(configs[-1])).stem if configs else "default"
    return new_directory(Path("runs", name), datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))


def _seed(seed: int | bool) -> int:
    return 0 if isinstance(seed, bool) else seed


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
