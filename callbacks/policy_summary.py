"""Says in a line what is about to be trained."""

from typing import Any

import lightning as L
from lightning.pytorch.utilities.model_summary import get_human_readable_count

from speciarl_pl.policy import Policy
from speciarl_pl.terminal import say


class PolicySummary(L.Callback):
    """Prints the size of the policy and of its adapter before training.

    Lightning's own table (`--trainer.enable_model_summary true`) knows one part, the policy, and
    counts no FLOPs, since a policy has no `forward`.
    """

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the line."""
        module: Any = pl_module
        if trainer.is_global_zero:
            say(policy_line(module.loaded_policy), stderr=True)


def policy_line(policy: Policy) -> str:
    """How many parameters a policy has, and how many of them are trained."""
    trained, of = policy.model.get_nb_trainable_parameters()
    numbers = f"{_count(of)} parameters, {_count(trained)} of them trained (the adapter)"
    return f"Policy: {numbers}; computes in {str(policy.compute_dtype).removeprefix('torch.')}"


def _count(number: int) -> str:
    return " ".join(get_human_readable_count(number).split())
