"""config.yaml, and the same for a user's loggers."""

from typing import Any

import lightning as L
import yaml
from lightning.pytorch.cli import SaveConfigCallback

from speciarl_pl.report.config import without_secrets
from speciarl_pl.run_loggers import log_config


class RunConfig(SaveConfigCallback):
    """Writes config.yaml into the run directory and gives it, without secrets, to the loggers."""

    def save_config(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Give the configuration to a user's loggers."""
        text: str = self.parser.dump(self.config, skip_none=False)
        config: Any = yaml.safe_load(without_secrets(text))
        log_config(trainer.loggers, config)
