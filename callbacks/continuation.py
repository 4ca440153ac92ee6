"""`validate` and `predict` go on where an interrupted run of the same settings stopped."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import lightning as L

from speciarl_pl.callbacks.rollout import RolloutCallback
from speciarl_pl.callbacks.rollout_log import RolloutLog
from speciarl_pl.category import UNJUDGED
from speciarl_pl.data import listing_digest
from speciarl_pl.errors import RunError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import Policy
from speciarl_pl.step.validation import ImageOutcomes
from speciarl_pl.system.together import together

STAGES: Final = {"validate": ("val", "val"), "predict": ("predict", "images")}
"""Command -> stage of its rows, role of its data sets."""


class Continuation(L.Callback):
    """Leaves out the images that the run directory already has, and counts them all the same.

    An image is done when all its rollouts are there with a verdict; one of which some could not be
    judged is taken anew. Rollouts made under other settings are refused, never mixed.

    Args:
        rollout: Draws the rollouts.
        log: Writes them.
        identity: What else they depend on, such as the base model and the judge, as JSON values.
    """

    def __init__(
        self, rollout: RolloutCallback, log: RolloutLog, identity: Mapping[str, Any]
    ) -> None:
        self._rollout = rollout
        self._log = log
        self._identity = dict(identity)
        self._done: list[ImageOutcomes] = []

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Have the data module ask what is done, once the policy is loaded."""
        assert isinstance(pl_module, SpeciaRLModule)
        self._log.check_among(trainer)
        if str.__str__(stage) in STAGES:
            data: Any = trainer.datamodule  # type: ignore[attr-defined]
            data.find_done = partial(self._find, trainer, pl_module)

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Count what is done; on rank 0 alone, since the counts of all ranks are added."""
        assert isinstance(pl_module, SpeciaRLModule)
        assert pl_module.outcomes is not None
        pl_module.outcomes.add(self._done)

    def _find(self, trainer: L.Trainer, module: SpeciaRLModule) -> list[int]:
        """Positions that are done, the same on all ranks."""
        found: tuple[dict[str, Any], list[int]] = ({}, [])
        with together(trainer, RunError):
            if trainer.is_global_zero:
                settings = self._settings(trainer, module)
                self._done = self._read(trainer, settings)
                found = (settings, [image.position for image in self._done])
        self._log.settings, positions = trainer.strategy.broadcast(found)
        return positions

    def _settings(self, trainer: L.Trainer, module: SpeciaRLModule) -> dict[str, Any]:
        """All that the rows depend on, as JSON values."""
        command = str.__str__(trainer.state.fn)
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        settings = {
            **self._identity,
            "judge": data.judge.fingerprint or self._identity.get("judge"),
            "command": command,
            "adapter": adapter_digest(module.loaded_policy),
            "weights of the base": module.loaded_policy.identity["fingerprint"],
            "prompt": data.prompt,
            "data": listing_digest(data.listing(STAGES[command][1])),
            "rollouts": self._rollout.val_group_size,
            "sampling": asdict(self._rollout.val_sampling),
            "seed": self._rollout.run_seed,
            "engine": self._rollout.engine_name,
        }
        if command == "predict":
            del settings["judge"]
        written: dict[str, Any] = json.loads(json.dumps(settings, default=str))
        return written

    def _read(self, trainer: L.Trainer, settings: Mapping[str, Any]) -> list[ImageOutcomes]:
        stage = STAGES[settings["command"]][0]
        return [
            image
            for image in self._log.files(trainer).images(stage, settings)
            if len(image.codes) == self._rollout.val_group_size
            and not (stage == "val" and UNJUDGED in image.codes)
        ]


def adapter_digest(policy: Policy) -> str:
    """Digest of an adapter's form and weights; empty for a fresh one, which changes nothing."""
    state = policy.adapter_state_dict()
    if not any(tensor.any() for name, tensor in state.items() if "lora_B" in name):
        return ""
    form = json.dumps(policy.identity["adapter"], sort_keys=True)
    digest = hashlib.sha256(form.encode())
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
