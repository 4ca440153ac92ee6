"""A source as a torch data set: a position becomes a sample, samples a batch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from datasets.arrow_dataset import Dataset as Table
from torch import Tensor
from torch.utils.data import Dataset

from speciarl_pl.contracts import is_own
from speciarl_pl.data.images.kinds import packages_needed
from speciarl_pl.data.images.opening import MAX_PIXELS
from speciarl_pl.data.reading.present_files import name_some
from speciarl_pl.data.source import ImageSource
from speciarl_pl.data.source_contract import check_image, image_of
from speciarl_pl.errors import DataError
from speciarl_pl.records import Batch, EncodedPrompt, Sample, SkippedSample
from speciarl_pl.system.file_names import opened_path

# A source as a torch data set: a position becomes a sample, or a skipped one.


OnError: TypeAlias = Literal["skip", "raise"]
"""What to do with a sample that cannot be read: leave it out and name it, or stop."""


class ImageDataset(Dataset[Sample | SkippedSample]):
    """The images of one source with the question asked about each; decoded when asked for.

    Args:
        source: Where the images come from; listed now.
        prompt: Text of the user's turn, where a row has no `prompt` of its own.
        on_error: `skip` gives a `SkippedSample` for an image that cannot be read, `raise` raises.
        max_image_pixels: Refuse larger images before decoding them.
        first: Position of its first sample among those of all data sets.

    Raises:
        DataError: If the source is missing or empty.
    """

    def __init__(
        self,
        source: ImageSource,
        prompt: str,
        on_error: OnError = "skip",
        max_image_pixels: int = MAX_PIXELS,
        first: int = 0,
    ) -> None:
        self.name = source.name
        self._source = source
        self._prompt = prompt
        self._on_error = on_error
        self._max_image_pixels = max_image_pixels
        self._first = first
        self._table = source.table()
        if len(self._table) == 0:
            raise DataError(f"data set {source.name!r}: no images left; check its path and filters")
        if is_own(source):  # one of a user's own is tried before anything expensive is done
            check_image(source, self._table[0], max_image_pixels)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def notes(self) -> list[str]:
        """What a user should know of the listing.

        Files that it left out, packages that are needed, labels that look odd.
        """
        paths = self._table["path"][:] if "path" in self._table.column_names else ()
        needed = [f"{self.name}: {line}" for line in packages_needed(paths)]
        doubts = [f"warning: data set {self.name!r}: {doubt}" for doubt in self._source.doubts]
        return [*self._source.notes, *needed, *doubts]

    @property
    def taxonomy(self) -> str | None:
        """The packaged taxonomy that knows the labels, or None."""
        return self._source.taxonomy

    @property
    def prompts(self) -> list[str]:
        """The questions of rows that have their own, each once."""
        return list(dict.fromkeys(filter(None, own_prompts(self._table))))

    @property
    def listing(self) -> Table:
        """The rows: `id`, `truth`, `subset` and what the source adds, such as `prompt`."""
        return self._table

    def __getitem__(self, index: int) -> Sample | SkippedSample:
        """Read the sample at a position.

        Raises:
            DataError: If it cannot be read and `on_error` is `raise`.
        """
        row = self._table[index]
        try:
            image = image_of(self._source, row, self._max_image_pixels)
        except DataError as error:
            if self._on_error == "raise":
                raise
            return SkippedSample(row["id"], self.name, str(error), self._first + index)
        own = row.get("prompt") or ""
        return Sample(
            row["id"],
            self.name,
            row["truth"],
            own or self._prompt,
            image,
            row["subset"],
            self._first + index,
            row.get("taxonomy") or self._source.taxonomy or "",
            opened_path(row.get("path") or ""),
            bool(own),
        )


def own_prompts(table: Table) -> list[str]:
    """The question of each row, empty where it has none of its own; [] where no row has.

    Example:
        >>> own_prompts(Table.from_dict({"id": ["a", "b"], "prompt": ["What is it?", None]}))
        ['What is it?', '']
    """
    cells = table["prompt"][:] if "prompt" in table.column_names else ()
    found = [cell or "" for cell in cells]
    return found if any(found) else []


def require_readable(photos: ImageDataset) -> None:
    """Make sure, before anything expensive is done, that there is a photo that can be read.

    Raises:
        DataError: If there is none, with the reasons of the first few.
    """
    reasons = []
    for index in range(len(photos)):
        found = photos[index]
        if isinstance(found, Sample):
            return
        reasons.append(found.reason)
    raise none_readable(reasons)


def none_readable(reasons: Sequence[str]) -> DataError:
    """What to raise where no photo can be read.

    Example:
        >>> print(none_readable(["a.jpg: an empty file"]))
        data.images: the photo cannot be read: a.jpg: an empty file
    """
    all_of = "the photo" if len(reasons) == 1 else f"none of the {len(reasons):,} photos"
    can = "cannot" if len(reasons) == 1 else "can"
    return DataError(f"data.images: {all_of} {can} be read: {name_some(reasons)}")


# Samples become a batch, encoded in the loader's worker.


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
