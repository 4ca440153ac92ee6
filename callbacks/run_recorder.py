"""run.json, kept while a run goes on."""

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import lightning as L
import torch
import yaml
from lightning.pytorch.cli import SaveConfigCallback

from speciarl_pl.errors import RunError
from speciarl_pl.run.config_yaml import without_secrets
from speciarl_pl.run.loggers import log_config
from speciarl_pl.run.record import NAME, Session, machine, read_record, versions, write_record
from speciarl_pl.system.terminal import say


class RunRecorder(L.Callback):
    """Notes command, time, machine and versions of a run in run.json.

    A run that goes on is a further session of the same run; one that begins anew replaces what was
    noted. The file is written when the work begins, with each checkpoint, after each validation and
    at the end, so that a killed run lacks what it has to do again. A failure costs only the file:
    it is said, and the run goes on.
    """

    def __init__(self) -> None:
        self._clock = time.monotonic()
        self._started = datetime.now().astimezone()
        self._resumed = False
        self._earlier: list[Session] = []
        self._session: Session | None = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Begin to count the time, of which loading the model is a part."""
        self._clock = time.monotonic()
        self._started = datetime.now().astimezone()
        self._session = None

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Remember that this goes on."""
        self._resumed = True

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin the file, or a session of it."""
        self._begin(trainer)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin the file, or a session of it, if this is `validate`."""
        self._begin(trainer)

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin the file, or a session of it."""
        self._begin(trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note the time."""
        self._note(trainer)

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note the time."""
        self._note(trainer)

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Note the time."""
        self._note(trainer)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Note the time."""
        self._note(trainer)

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Note that it is done."""
        self.finish(trainer)

    def finish(self, trainer: L.Trainer) -> None:
        """Note that it is done, for whoever shows the file; doing so again changes nothing."""
        if self._session is not None and not self._session.finished:
            self._note(trainer, finished=True)

    def _begin(self, trainer: L.Trainer) -> None:
        if self._session is not None or not trainer.is_global_zero:
            return
        self._earlier = self._of_this_run(trainer)
        checkpoint = getattr(trainer, "ckpt_path", None)
        self._session = Session(
            command=str.__str__(trainer.state.fn),
            started=self._started.isoformat(timespec="seconds"),
            seconds=0.0,
            finished=False,
            processes=trainer.world_size,
            machine=machine(_gpus(trainer)),
            versions=versions(),
            checkpoint=None if checkpoint is None else str(checkpoint),
            prompt=getattr(getattr(trainer, "datamodule", None), "prompt", None),
        )
        self._note(trainer)

    def _of_this_run(self, trainer: L.Trainer) -> list[Session]:
        """Earlier sessions: of a fit that goes on, or of another command that was cut short."""
        try:
            known = read_record(Path(trainer.default_root_dir))
        except RunError as error:
            say(f"{error}. It is begun anew.", stderr=True)
            return []
        command = str.__str__(trainer.state.fn)
        goes_on = bool(known) and known[-1].command == command
        if command == "fit":
            return known if goes_on and self._resumed else []
        return known if goes_on and not known[-1].finished else []

    def _note(self, trainer: L.Trainer, finished: bool = False) -> None:
        if self._session is None:
            return
        seconds = round(time.monotonic() - self._clock, 1)
        self._session = replace(self._session, seconds=seconds, finished=finished)
        try:
            write_record(Path(trainer.default_root_dir), [*self._earlier, self._session])
        except RunError as error:  # of rank 0 alone: raised, it would leave the others waiting
            say(f"no {NAME}: {error}", stderr=True)


def _gpus(trainer: L.Trainer) -> list[str]:
    """Names of the GPUs of this node that the trainer uses."""
    if trainer.strategy.root_device.type != "cuda":
        return []
    return [torch.cuda.get_device_name(index) for index in trainer.device_ids]


# config.yaml, and the same for a user's loggers.


class RunConfig(SaveConfigCallback):
    """Writes config.yaml into the run directory and gives it, without secrets, to the loggers."""

    def save_config(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Give the configuration to a user's loggers."""
        text: str = self.parser.dump(self.config, skip_none=False)
        config: Any = yaml.safe_load(without_secrets(text))
        log_config(trainer.loggers, config)
