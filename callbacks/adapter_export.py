"""Leaves the trained adapter in the run directory, ready for PEFT, transformers and vLLM."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning as L

from speciarl_pl.callbacks.rollout import RolloutCallback
from speciarl_pl.data import OpenWorldDataModule, data_of
from speciarl_pl.errors import RunError, SpeciaRLError, TrainingError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.run.model_card import CardFacts, write_card
from speciarl_pl.step.judging import judge_title
from speciarl_pl.system.files import read_json, replacing_files
from speciarl_pl.system.terminal import say
from speciarl_pl.system.together import together


class AdapterExport(L.Callback):
    """Writes `adapter/` in PEFT format, with a card, when training ends or breaks off.

    An adapter that has learned from no batch, neither in this run nor in the ones that it resumes,
    is not written: what lies there passes for a trained one.

    Args:
        directory: Where to; null: `adapter` in the run directory.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory
        self._written = False

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the adapter."""
        with together(trainer, RunError):
            self._write(trainer, pl_module)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write it, if a run was killed after its last batch and before it could."""
        if not self._written:
            self.on_train_end(trainer, pl_module)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Write what was trained so far; a second failure must not hide the first."""
        assert isinstance(pl_module, SpeciaRLModule)
        untrained = isinstance(exception, TrainingError) and exception.untrained
        if pl_module.batches_trained:
            with suppress(SpeciaRLError):
                self._write(trainer, pl_module, untrained, type(exception).__name__)

    def _write(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        untrained: bool = False,
        stopped: str = "",
    ) -> None:
        assert isinstance(pl_module, SpeciaRLModule)
        self._written = True
        if not trainer.is_global_zero:
            return
        directory = Path(self.directory or Path(trainer.default_root_dir, "adapter"))
        if untrained or not pl_module.batches_learned:
            said = f"{directory} was not written: {_batches(pl_module)} taught nothing to keep"
            say(said, stderr=True)
            return
        with replacing_files(directory) as part:
            pl_module.loaded_policy.save_adapter(part)
            write_card(part, card_facts(trainer, pl_module, stopped))


def card_facts(trainer: Any, module: SpeciaRLModule, stopped: str = "") -> CardFacts:
    """What the card of an adapter says.

    Args:
        trainer: Of the run, whose directory holds the results of its validations.
        module: The module.
        stopped: What ended the training before its end; empty if nothing did.
    """
    policy, data = module.loaded_policy, data_of(trainer)
    folder = Path(trainer.default_root_dir)
    return CardFacts(
        base=policy.base_name,
        identity=policy.identity,
        data=_trained_on(data),
        prompt=data.prompt,
        judge=judge_title(data.judge),
        recipe=_recipe(trainer, module),
        steps=module.batches_trained,
        base_results=read_json(folder / "results.base.json"),
        results=read_json(folder / "results.json"),
        stopped=stopped,
    )


def _trained_on(data: OpenWorldDataModule) -> list[tuple[str, int, int]]:
    """Name, images and labels of each training data set."""
    lists = data.listing("train")
    return [(one.name, len(one), len(set(one.listing["truth"][:]))) for one in lists]


def _recipe(trainer: Any, module: SpeciaRLModule) -> dict[str, str]:
    """Settings of the training that are known here; config.yaml has all of them."""
    engines = [one for one in getattr(trainer, "callbacks", ()) if isinstance(one, RolloutCallback)]
    recipe = dict(module.recipe)
    if engines:
        engine = engines[0]
        recipe["rollouts"] = (
            f"{engine.group_size} an image, temperature {engine.sampling.temperature:g}, at most "
            f"{engine.sampling.max_new_tokens} tokens ({type(engine).__name__})"
        )
        recipe["seed"] = str(engine.run_seed)
    optimizers = getattr(trainer, "optimizers", None)
    if optimizers:
        rate = optimizers[0].param_groups[0].get("initial_lr", optimizers[0].param_groups[0]["lr"])
        recipe["optimizer"] = f"{type(optimizers[0]).__name__}, learning rate {rate:g}"
    recipe["images a step"] = str(data_of(trainer).batch_size * trainer.world_size)
    return recipe


def _batches(module: SpeciaRLModule) -> str:
    return f"{module.batches_trained} batch{'es' if module.batches_trained != 1 else ''}"
