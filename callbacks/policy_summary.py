"""Says in a line what is about to be trained."""

from typing import Any

import lightning as L

from speciarl_pl.data import data_of
from speciarl_pl.policy import Policy
from speciarl_pl.step.judging import quoted
from speciarl_pl.system.terminal import say


class PolicySummary(L.Callback):
    """Prints the size of the policy and of its adapter before training.

    Lightning's own table (`--trainer.enable_model_summary true`) knows one part, the policy, and
    counts no FLOPs, since a policy has no `forward`.
    """

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the line, and what the built-in base cannot know."""
        module: Any = pl_module
        if trainer.is_global_zero:
            say(policy_line(module.loaded_policy), stderr=True)
            _say_drawn(trainer, module, "train")

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say what the built-in base cannot know, in `validate`."""
        if trainer.is_global_zero and trainer.state.fn == "validate":
            _say_drawn(trainer, pl_module, "val")

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say what the built-in base cannot know."""
        if trainer.is_global_zero:
            _say_drawn(trainer, pl_module, "images")


def _say_drawn(trainer: Any, module: Any, role: str) -> None:
    if module.loaded_policy.base_name != "world":
        return
    names = [one.name for one in data_of(trainer).listing(role) if one.taxonomy != "world"]
    if names:
        say(
            f"warning: the built-in base, world, knows drawn things alone and was never shown "
            f"photos: what it says of {quoted(names)} is a guess; --model.base names another",
            stderr=True,
        )


def policy_line(policy: Policy) -> str:
    """How many parameters a policy has, and how many of them are trained."""
    trained, of = policy.model.get_nb_trainable_parameters()
    numbers = f"{_count(of)} parameters, {_count(trained)} of them trained (the adapter)"
    return f"Policy: {numbers}; computes in {str(policy.compute_dtype).removeprefix('torch.')}"


def _count(number: int) -> str:
    """A number of parameters for a human.

    Example:
        >>> _count(1_300), _count(3_100_000), _count(8_300_000_000)
        ('1.3 K', '3.1 M', '8.3 B')
    """
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return str(number)
