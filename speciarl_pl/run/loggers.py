"""Which loggers a run has: its own, always, and a user's beside them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from lightning.pytorch.loggers import Logger, TensorBoardLogger

from speciarl_pl.errors import RunError
from speciarl_pl.run.metrics_csv import MetricsCSV
from speciarl_pl.system.terminal import say

_PACKAGES: Final = {
    "WandbLogger": ("wandb", "wandb"),
    "MLFlowLogger": ("mlflow", "mlflow"),
    "CometLogger": ("comet_ml", "comet-ml"),
    "NeptuneLogger": ("neptune", "neptune"),
    "LitLogger": ("litlogger", "litlogger"),
}
"""Lightning's loggers: module that each imports, package to install."""

_GUARDED: Final = (
    "log_metrics",
    "log_hyperparams",
    "log_table",
    "after_save_checkpoint",
    "save",
    "finalize",
)
"""What a run calls of a user's logger while it goes on."""

_LOGGER_UNION: Final = "lightning.pytorch.loggers.logger.Logger'>"
"""What jsonargparse names among the types of `trainer.logger`, and of no other option."""

_TYPES: Final = ("Expected a", "Not a valid subclass")
"""Beginnings of what jsonargparse says of types that were tried in vain."""

_PATIENCE: Final = 3
"""Failures in a row after which a logger is called no more."""


def run_loggers(
    directory: str | Path, chosen: Any = None, batches_before: int | None = None
) -> list[Logger]:
    """The loggers of a run: metrics.csv and TensorBoard events in its directory, then a user's.

    metrics.csv is always written. The events are left out with `false`, which asks for no logger,
    and with a `TensorBoardLogger` of the user's own, which takes their place.

    Args:
        directory: Run directory.
        chosen: `trainer.logger`: a logger, several, true, false or null.
        batches_before: Training batches before this run, if it goes on; TensorBoard forgets what it
            knows of later ones.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     [type(one).__name__ for one in run_loggers(folder)]
        ['MetricsCSV', 'TensorBoardLogger']
    """
    more = _as_loggers(chosen)
    for logger in more:
        guard(logger)
    if chosen is False or any(isinstance(one, TensorBoardLogger) for one in more):
        return [MetricsCSV(directory), *more]
    events = TensorBoardLogger(directory, name="tensorboard", version="", purge_step=batches_before)
    return [MetricsCSV(directory), events, *more]


def check_packages(chosen: Any) -> None:
    """Make sure that the packages of the loggers of a configuration are installed.

    Args:
        chosen: `trainer.logger` as it is parsed, before any class is built.

    Raises:
        RunError: Names the first that is missing, and what to install.
    """
    for name in _class_names(chosen):
        module, package = _PACKAGES.get(name.rpartition(".")[2], ("", ""))
        if module and find_spec(module) is None:
            raise RunError(
                f"trainer.logger: {name.rpartition('.')[2]} needs the package {package}, which is "
                f"not installed; pip install {package}, or leave the option out: metrics.csv and "
                "TensorBoard events are written without it"
            )


@contextmanager
def building() -> Iterator[None]:
    """Context in which classes are built from a configuration.

    Raises:
        RunError: In place of jsonargparse's account of all types that were tried, if it was a
            logger that could not be built.
    """
    try:
        yield
    except ValueError as error:
        text = str(error)
        if _LOGGER_UNION not in text.partition("Errors:")[0]:
            raise
        raise RunError(
            f"trainer.logger: cannot be built ({_reason(text)}); mend that, or leave the option "
            "out: metrics.csv and TensorBoard events are written without it"
        ) from error


def _reason(text: str) -> str:
    """The first reason in jsonargparse's account that is no matter of types."""
    errors = text.partition("Errors:\n")[2].partition("\nGiven value")[0]
    reasons = [one.strip() for one in re.split(r"^ {2}- ", errors, flags=re.MULTILINE)]
    reasons = [one for one in reasons if one and not one.startswith(_TYPES)]
    lines = [line.strip() for line in "\n".join(reasons).splitlines()]
    lines = [line for line in lines if not line.startswith("Problem with given class_path")]
    return lines[0] if lines else "no reason was given"


def open_loggers(loggers: Iterable[Logger], directory: str | Path) -> None:
    """Begin the experiments of a user's loggers, which asks their servers, before it costs.

    Args:
        loggers: Those of the trainer.
        directory: Run directory, whose own loggers open nothing that may fail here.

    Raises:
        RunError: If one cannot; names it and its reason.
    """
    for logger in loggers:
        if getattr(logger, "guarded_by", None) is None:
            continue
        try:
            _ = getattr(logger, "experiment", None)
        except Exception as error:
            raise RunError(
                f"trainer.logger: {type(logger).__name__} cannot begin ({_first_line(error)}); "
                f"mend that, or leave the option out: metrics.csv and TensorBoard events in "
                f"{directory} are written without it"
            ) from error


def log_config(loggers: Iterable[Logger], config: Mapping[str, Any]) -> None:
    """Give a user's loggers the configuration of the run; its own has config.yaml.

    Args:
        loggers: Those of the trainer.
        config: The configuration, without secrets.
    """
    for logger in loggers:
        if getattr(logger, "guarded_by", None) is not None:
            logger.log_hyperparams(dict(config))


def guard(logger: Logger) -> None:
    """See to it that a logger which fails costs the run nothing but what it would have logged.

    A server of somebody else's that is down for an hour must not end days of training. The first
    failure is said; after a few in a row the logger is called no more.
    """
    guardian = _Guard(type(logger).__name__)
    for name in _GUARDED:
        if (method := getattr(logger, name, None)) is not None:
            setattr(logger, name, partial(guardian.call, method))
    logger.guarded_by = guardian  # type: ignore[attr-defined]  # also marks it as a user's


class _Guard:
    """Calls methods of one logger and outlives their failures.

    Args:
        name: What messages call the logger.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._failures = 0
        self._said = False

    def call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a method; None if it fails or the logger was given up."""
        if self._failures >= _PATIENCE:
            return None
        try:
            result = method(*args, **kwargs)
        except Exception as error:
            self._fail(error)
            return None
        self._failures = 0
        return result

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == _PATIENCE:
            self._say(f"failed {_PATIENCE} times in a row and is used no more", error)
        elif not self._said:
            self._said = True
            self._say("failed, and some of what it should log is missing there", error)

    def _say(self, what: str, error: Exception) -> None:
        say(
            f"warning: trainer.logger: {self._name} {what} ({_first_line(error)}); the run goes "
            "on, and its own files have everything",
            stderr=True,
        )


def _as_loggers(chosen: Any) -> list[Logger]:
    if isinstance(chosen, Logger):
        return [chosen]
    return [] if chosen is None or isinstance(chosen, bool) else list(chosen)


def _class_names(chosen: Any) -> Sequence[str]:
    entries = chosen if isinstance(chosen, list | tuple) else [chosen]
    names = (getattr(one, "class_path", None) for one in entries)
    return [name for name in names if isinstance(name, str)]


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
