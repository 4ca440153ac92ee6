"""What a checkpoint holds beside Lightning's own: batches, random states, what the policy is."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn

from speciarl_pl.errors import ModelError, RunError
from speciarl_pl.policy import Policy, check_adapter, check_base, differing
from speciarl_pl.system.random_states import every_rank, get_rng_state, set_rng_state
from speciarl_pl.system.tensor_files import save_tensors
from speciarl_pl.system.terminal import say

KEY = "speciarl"
"""Where in a checkpoint it is."""


def saved_state(policy: Policy, batches: int, learned: int) -> dict[str, Any]:
    """What to add to a checkpoint; all ranks come here together.

    Returns:
        `batches_trained`, `batches_learned`, `rng` (one state a rank) and `policy` (its identity),
        of plain types and tensors, so that it loads without running code.
    """
    return {
        "batches_trained": batches,
        "batches_learned": learned,
        "rng": every_rank(get_rng_state()),
        "policy": policy.identity,
    }


def loaded_state(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was added to a checkpoint.

    Raises:
        ModelError: If the checkpoint is not of such a run.
    """
    if KEY not in checkpoint:
        raise ModelError("the checkpoint was not written by a run of speciarl_pl")
    saved: Mapping[str, Any] = checkpoint[KEY]
    return saved


def fit_policy(policy: Policy, saved: Mapping[str, Any], name: str, training: bool) -> None:
    """Make sure that a checkpoint meets the policy it needs, or give it that policy.

    The form of the adapter is taken over where nothing is trained; training goes on with an equal
    one or not at all.

    Args:
        policy: The policy of this run.
        saved: As `loaded_state` gives it.
        name: Path of the checkpoint.
        training: Whether training goes on from it.

    Raises:
        ModelError: If base, number format or quantisation differ, or, to train on, the adapter.
    """
    needed = saved.get("policy")
    if needed is None:
        rank_zero_warn(
            f"{name}: written before checkpoints said what they need; make sure by hand that base, "
            "dtype, quantization and the numbers of the adapter (--model.lora) are those of its run"
        )
        return
    check_base(needed, policy.identity, name)
    if training:
        check_adapter(needed, policy.identity, name)
    elif names := differing(needed, policy.identity):
        said = ", ".join(f"{one} {needed['adapter'][one]}" for one in names)
        _print(f"The adapter takes over from the checkpoint: {said}")
        policy.take_adapter_of(needed)


@rank_zero_only
def _print(text: str) -> None:
    say(text, stderr=True)


def restore_random_state(saved: Mapping[str, Any], rank: int, ranks: int) -> None:
    """Give this rank the random states that it had; an older checkpoint has rank 0's alone."""
    states = saved["rng"] if isinstance(saved["rng"], list) else [saved["rng"]]
    if len(states) == ranks:
        set_rng_state(states[rank])
        return
    warnings.warn(
        f"the checkpoint holds the random states of {len(states)} process(es), this run has"
        f" {ranks}; rank {rank} goes on with fresh ones (rollouts and the order of training do not"
        " depend on them)",
        stacklevel=2,
    )


# Checkpoints that are written whole or not at all.


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place first, so that a full disk costs no older checkpoint."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` to the local file `path`.

        Raises:
            RunError: If the file cannot be written, naming it and the cause.
        """
        save_tensors(checkpoint, Path(path))

    def load_checkpoint(self, path: str | Path, *args: Any, **options: Any) -> dict[str, Any]:
        """Read a checkpoint; unless told so, nothing but tensors and plain values.

        Raises:
            RunError: If it holds anything else, which could run code of its own.
        """
        if options.get("weights_only") is None:
            options["weights_only"] = True
        try:
            return super().load_checkpoint(path, *args, **options)
        except UnpicklingError as error:
            raise RunError(
                f"ckpt_path: {path}: holds more than tensors and plain values, which a run of "
                "speciarl_pl never writes and which could run code; if you trust it and have to "
                "read it, pass --weights_only false"
            ) from error
