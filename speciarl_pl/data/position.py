"""Where training is: what a checkpoint says of it, and what a resumed run makes of that."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from speciarl_pl.data.dataset import ImageDataset, own_prompts
from speciarl_pl.errors import DataError

_OTHER_DATA = "resume with the same data and seed, or start a new run"


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two training batches, the same on all ranks."""

    epoch: int = 0
    """Epochs done before this one."""
    seen: int = 0
    """Samples of this epoch that all ranks together are done with."""
    over: bool = False
    """Whether the epoch has no more batches."""
    batches: int = 0
    """Batches done in all epochs."""
    validated: bool = True
    """Whether nothing is left to do after the last batch: where a validation belongs there, it was
    done."""
    base_validated: bool = False
    """Whether the validation before training, if there is one, was done."""


@dataclass(frozen=True, slots=True)
class TrainingOrder:
    """What the order of training rests on."""

    size: int
    """Samples in the training data."""
    seed: int
    """Seed of the order."""
    digest: str
    """Of the training data, by `listing_digest`."""

    def check(self, saved: Mapping[str, Any]) -> None:
        """Refuse to go on with another order.

        Args:
            saved: Fields of the order of a checkpoint, some of which an older one may lack.

        Raises:
            DataError: Naming what differs.
        """
        for key in ("size", "seed"):
            if saved[key] != getattr(self, key):
                raise DataError(
                    f"training data: the checkpoint was written with {key} {saved[key]}, this"
                    f" run has {getattr(self, key)}; {_OTHER_DATA}"
                )
        if saved.get("digest", self.digest) != self.digest:
            raise DataError(
                f"training data: the checkpoint was written with {self.size} other samples: their"
                f" ids, truths, questions or order are not those of this run; {_OTHER_DATA}"
            )


def saved_position(position: Position, order: TrainingOrder) -> dict[str, Any]:
    """What a checkpoint holds of both, in plain values."""
    return {**asdict(position), **asdict(order)}


def loaded_position(saved: Mapping[str, Any]) -> Position:
    """The position in what `saved_position` made."""
    return Position(**{name: saved[name] for name in Position.__dataclass_fields__})


def older_position(loops: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an older checkpoint holds of it, in Lightning's state of the loader.

    Args:
        loops: State of Lightning's fit loop.

    Returns:
        As `saved_position`, without a digest; None if there is nothing. A validation that may be
        left to do is not known of.
    """
    loaders = loops.get("state_dict", {}).get("combined_loader") or [{}]
    if "seen" not in loaders[0]:
        return None
    batches = loops["epoch_loop.batch_progress"]["total"]["processed"]
    return {
        **asdict(Position(batches=batches, base_validated=True)),
        **loaders[0],
    }


def listing_digest(datasets: Iterable[ImageDataset]) -> str:
    """Digest of all data sets: their names, and ids, truths and own questions of their samples."""
    digest = hashlib.sha256()
    for dataset in datasets:
        digest.update(repr(dataset.name).encode())
        for column in ("id", "truth"):
            digest.update(repr(dataset.listing[column][:]).encode())
        if prompts := own_prompts(dataset.listing):  # of others as before there were any
            digest.update(repr(prompts).encode())
    return digest.hexdigest()
