"""The data module of a run, as its module and its callbacks find it: through the trainer."""

from typing import TYPE_CHECKING, Any

from speciarl_pl.errors import DataError

if TYPE_CHECKING:
    from speciarl_pl.data.data_module import OpenWorldDataModule


def data_of(trainer: Any) -> "OpenWorldDataModule":
    """The data module of a run, which has the data sets, the question and the judge.

    Args:
        trainer: Lightning's trainer.

    Raises:
        DataError: If it was given none, or one of another kind.
    """
    data = find_data(trainer)
    if data is None:
        got = type(getattr(trainer, "datamodule", None)).__name__
        raise DataError(
            f"data: expected an OpenWorldDataModule, or a subclass of it, got {got}; pass one to "
            "the trainer, as in trainer.fit(module, datamodule=data)"
        )
    return data


def find_data(trainer: Any) -> "OpenWorldDataModule | None":
    """The same, or None where there is none: before it is known, and after a failure."""
    from speciarl_pl.data.data_module import OpenWorldDataModule  # which imports its loops first

    data = getattr(trainer, "datamodule", None)
    return data if isinstance(data, OpenWorldDataModule) else None
