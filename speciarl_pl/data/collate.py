"""Samples become a batch, encoded in the loader's worker."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from torch import Tensor

from speciarl_pl.data.dataset import OnError
from speciarl_pl.errors import DataError
from speciarl_pl.records import Batch, EncodedPrompt, Sample, SkippedSample

Encode: TypeAlias = Callable[[Sample], EncodedPrompt]
"""Makes of a sample what the model takes."""


class Collate:
    """Encodes samples and gathers them; those that cannot be encoded are skipped too.

    Args:
        encode: Makes of a sample what the model takes. With worker processes that are spawned, not
            forked, it has to be picklable.
        on_error: `skip` puts what cannot be encoded into `Batch.skipped`, `raise` raises.
    """

    def __init__(self, encode: Encode, on_error: OnError = "skip") -> None:
        self._encode = encode
        self._on_error = on_error

    def __call__(self, items: Sequence[Sample | SkippedSample]) -> Batch:
        """Gather `items` in order; the batch is empty if none of them is usable.

        Raises:
            DataError: If a sample cannot be encoded and `on_error` is `raise`.
        """
        batch = Batch(samples=[], prompts=[])
        for item in items:
            if isinstance(item, SkippedSample):
                batch.skipped.append(item)
            else:
                self._add(batch, item)
        return batch

    def _add(self, batch: Batch, sample: Sample) -> None:
        try:
            prompt = encode_sample(self._encode, sample)
        except DataError as error:
            if self._on_error == "raise":
                raise
            reason = str(error)
            batch.skipped.append(SkippedSample(sample.id, sample.dataset, reason, sample.position))
        else:
            batch.samples.append(sample)
            batch.prompts.append(prompt)


def encode_sample(encode: Encode, sample: Sample) -> EncodedPrompt:
    """Encode, naming the sample in what goes wrong.

    Image processors refuse some images, such as strips of an absurd aspect ratio, with a
    `ValueError`.

    Raises:
        DataError: If `encode` raises a `ValueError` or a `DataError`.
    """
    try:
        return encode(sample)
    except (ValueError, DataError) as error:
        size = f"{sample.image.width} x {sample.image.height}"
        raise DataError(
            f"{sample.dataset}/{sample.id}: the model cannot take this {size} image ({error});"
            " crop, resize or remove it"
        ) from error


def pin(batch: Batch) -> Batch:
    """Copy with the tensors of the prompts in page-locked memory, for faster moves to a GPU."""
    return replace(batch, prompts=[prompt.map(Tensor.pin_memory) for prompt in batch.prompts])
