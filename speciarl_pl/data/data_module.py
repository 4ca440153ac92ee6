"""`OpenWorldDataModule`: data sets, loaders, and the judge."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, cast

import lightning as L
from torch.utils.data import ConcatDataset, Dataset

from speciarl_pl.data.checks.preview import first_truths
from speciarl_pl.data.dataset import Collate, Encode, ImageDataset, OnError, require_readable
from speciarl_pl.data.datasets.photos import PhotoFolder, PhotoList
from speciarl_pl.data.images.opening import MAX_PIXELS, PILLOW_LIMIT
from speciarl_pl.data.judge_owner import JudgeOwner
from speciarl_pl.data.labels.label_warning import label_warnings
from speciarl_pl.data.loader import BatchLoader, ResumableLoader, Workers
from speciarl_pl.data.loops import PositionedFitLoop, install_loops
from speciarl_pl.data.position import (
    TrainingOrder,
    listing_digest,
    loaded_position,
    saved_position,
)
from speciarl_pl.data.prompt_check import check_own_prompts, check_prompt
from speciarl_pl.data.prompts import load_prompt
from speciarl_pl.data.sampler import EvalBatches, Share, TrainBatches
from speciarl_pl.data.skipped import add_skipped, summarise
from speciarl_pl.data.source import ImageSource
from speciarl_pl.errors import DataError
from speciarl_pl.judge import ExactJudge, Judge
from speciarl_pl.records import Sample, SkippedSample
from speciarl_pl.system.lazy import load_all
from speciarl_pl.system.terminal import say
from speciarl_pl.system.together import together

load_all("speciarl_pl.data.datasets")  # short class names work for what is imported
load_all("speciarl_pl.judge")

_STAGES = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("images",)}


class OpenWorldDataModule(L.LightningDataModule):
    """Labelled images for training and validation, photos for prediction, and the judge of both.

    Training order is a permutation drawn from the seed and the epoch, and is resumed in the middle
    of an epoch. Validation runs through its data sets one after the other in their own order, in
    one loader: `Sample.dataset` says which. Batches are encoded by the module's `encode`, unless
    the attribute `encode` of this object is set.

    Args:
        train: Data set to train on.
        val: Data sets to validate on; their names must differ.
        test: Data sets of `test`; those of `val` by default.
        images: Photos without labels, for `predict`: a folder, a photo, a list of photos, or a .txt
            file with one path a line.
        judge: Puts answers on the six levels; by default `ExactJudge`, which only knows equality.
            One that asks a service belongs to rank 0, which serves it to the other ranks.
        prompt: The question: name of a built-in prompt, or path of a text file. Rows of a data set
            may have their own, as by `prompt_column` of `ImageTable`.
        batch_size: Training samples a step, on each process.
        val_batch_size: Samples a batch of validation, test and prediction, on each process.
        num_workers: Worker processes that read and encode; 0 does it in the main process.
        persistent_workers: Keep the workers between epochs.
        pin_memory: Put batches into page-locked memory where there is a GPU.
        seed: Seed of the training order.
        on_error: `skip` leaves out an image that cannot be read and names it at the end; `raise`
            stops.
        max_image_pixels: Refuse images of more pixels before decoding them.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> from speciarl_pl.data.datasets import WorldImages
        >>> data = OpenWorldDataModule(val=[WorldImages("held_out", n=4)])
        >>> data.setup("validate")
        >>> data.teardown("validate")
    """

    allow_zero_length_dataloader_with_multiple_devices = True

    def __init__(
        self,
        train: ImageSource | None = None,
        val: list[ImageSource] | None = None,
        test: list[ImageSource] | None = None,
        images: str | list[str] | None = None,
        judge: Judge | None = None,
        prompt: str = "general",
        batch_size: int = 16,
        val_batch_size: int = 32,
        num_workers: int = 0,
        persistent_workers: bool = True,
        pin_memory: bool = True,
        seed: int = 0,
        on_error: OnError = "skip",
        max_image_pixels: int = MAX_PIXELS,
    ) -> None:
        super().__init__()
        _check_range("batch_size", batch_size, 1)
        _check_range("val_batch_size", val_batch_size, 1)
        _check_range("num_workers", num_workers, 0)
        _check_range("seed", seed, 0)
        _check_range("max_image_pixels", max_image_pixels, 1, PILLOW_LIMIT)
        if on_error not in ("skip", "raise"):
            raise ValueError(f"on_error: expected 'skip' or 'raise', got {on_error!r}")
        _check_names("val", val or [])
        _check_names("test", test or [])
        self.judge: Judge = judge or ExactJudge()
        self._own_judge = self.judge
        self.prompt = load_prompt(prompt)
        self.skipped: list[SkippedSample] = []
        self.encode: Encode | None = None
        self.find_done: Callable[[], Collection[int]] | None = None
        """Gives the positions that an interrupted run is done with; asked on all ranks."""
        self._sources: dict[str, list[ImageSource]] = {
            "train": [train] if train else [],
            "val": val or [],
            "test": test or val or [],
            "images": [_photos(images)] if images else [],
        }
        self._datasets: dict[str, Dataset[Sample | SkippedSample]] = {}
        self._lists: dict[str, list[ImageDataset]] = {}
        self._prompt_checked = False
        self._said: set[str] = set()
        self._train_loader: ResumableLoader | None = None
        self._order: TrainingOrder | None = None
        self._eval_loaders: list[BatchLoader] = []
        self._owner: JudgeOwner | None = None
        self._batch_size = batch_size
        self._val_batch_size = val_batch_size
        self._workers = Workers(num_workers, persistent_workers, pin_memory)
        self._seed = seed
        self._on_error: OnError = on_error
        self._max_image_pixels = max_image_pixels

    def look_at(self, stage: str) -> None:
        """List the data sets of a stage once, without a trainer.

        Raises:
            DataError: If one is missing or empty.
        """
        for role in _STAGES[stage]:
            for source in self._sources[role]:
                source.table()

    def setup(self, stage: str) -> None:
        """List the data sets of a stage and open the judge.

        Raises:
            ValueError: If the stage has no data set at all.
            DataError: If a data set is missing or empty, on this rank or on another.
        """
        with together(self.trainer, DataError):
            for role in _STAGES[stage]:
                if self._sources[role]:
                    self._datasets[role] = self._listed(role)
            if stage == "predict" and "images" in self._lists:
                require_readable(*self._lists["images"])
        self._say_notes(stage)
        needed = _STAGES[stage][0]
        if needed not in self._datasets:
            name = str.__str__(stage)  # Lightning gives an enum, which would print as its member
            raise ValueError(f"data.{needed}: {name} needs it, and it is not set")
        if stage == "fit" and self.trainer and "val" not in self._datasets:
            # Lightning warns of an empty list of loaders, and has no other way to be told.
            cast(Any, self.trainer).limit_val_batches = 0
        if stage == "fit":
            self._order = self._training_order()
            if self.trainer:
                install_loops(self.trainer)
        if stage != "predict" and self._owner is None:
            self._owner = JudgeOwner(self._own_judge)
            self.judge = self._owner.open(self.trainer)

    def teardown(self, stage: str) -> None:
        """Close the judge and let go of loaders and their workers."""
        for loader in (self._train_loader, *self._eval_loaders):
            if loader is not None:
                loader.close()
        self._train_loader = None
        self._eval_loaders.clear()
        self._datasets.clear()
        self._lists.clear()
        self.find_done = None
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.close()

    def train_dataloader(self) -> ResumableLoader:
        """Give the one training loader of this run.

        Raises:
            ValueError: If there are fewer images than one step takes.
        """
        if self._train_loader is None:
            dataset = self._datasets["train"]
            self._train_loader = ResumableLoader(
                dataset,
                self._train_batches(dataset),
                self._collate(),
                self._workers,
            )
        return self._train_loader

    @property
    def batch_size(self) -> int:
        """Training samples a step, on each process."""
        return self._batch_size

    @property
    def val_names(self) -> list[str]:
        """Names of the validation sets, in their order."""
        return [source.name for source in self._sources["val"]]

    @property
    def val_groups(self) -> dict[str, str | None]:
        """Group of each validation set over which means are taken, by name; see `ImageSource`."""
        return {source.name: source.group for source in self._sources["val"]}

    @property
    def val_taxonomies(self) -> dict[str, str | None]:
        """Packaged taxonomy of each validation set, by name."""
        return {source.name: source.taxonomy for source in self._sources["val"]}

    @property
    def test_names(self) -> list[str]:
        """Names of the test sets, in their order."""
        return [source.name for source in self._sources["test"]]

    def val_dataloader(self) -> BatchLoader:
        """Give one loader over all validation sets."""
        return self._eval_loader("val")

    def test_dataloader(self) -> BatchLoader:
        """Give one loader over all test sets."""
        return self._eval_loader("test")

    def predict_dataloader(self) -> BatchLoader:
        """Give the loader of the photos."""
        return self._eval_loader("images")

    def note_skipped(self, skipped: list[SkippedSample]) -> None:
        """Remember samples that could not be read, each once."""
        add_skipped(self.skipped, skipped)

    def skipped_summary(self) -> str:
        """Count and name the samples that could not be read; empty if all could."""
        return summarise(self.skipped)

    def state_dict(self) -> dict[str, Any]:
        """Keep the skipped samples and, in training, the position in the checkpoint."""
        state: dict[str, Any] = {"skipped": [asdict(skipped) for skipped in self.skipped]}
        loop = self.trainer.fit_loop if self.trainer else None
        if self._order is not None and isinstance(loop, PositionedFitLoop):
            state["position"] = saved_position(loop.position(), self._order)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the skipped samples of a checkpoint and, to train on, its position.

        After a change of batch size or number of processes it is rounded down to a whole step.

        Raises:
            DataError: If the training data or the seed are not those of the checkpoint.
        """
        self.note_skipped([SkippedSample(**skipped) for skipped in state_dict["skipped"]])
        saved = state_dict.get("position")
        if saved is None or self.trainer is None or self.trainer.state.fn != "fit":
            return
        assert self._order is not None
        self._order.check(saved)
        install_loops(self.trainer).begin_at(loaded_position(saved))

    def listing(self, role: str) -> list[ImageDataset]:
        """Give the data sets of a role (`train`, `val`, `test`, `images`), once they are set up."""
        return self._lists[role]

    def _listed(self, role: str) -> ConcatDataset[Sample | SkippedSample]:
        lists: list[ImageDataset] = []
        first = 0
        for source in self._sources[role]:
            lists.append(
                ImageDataset(source, self.prompt, self._on_error, self._max_image_pixels, first)
            )
            first += len(lists[-1])
        self._lists[role] = lists
        return ConcatDataset(lists)

    def _say_notes(self, stage: str) -> None:
        if self.trainer is None or self.trainer.is_global_zero:
            lists = (self._lists.get(role, ()) for role in _STAGES[stage])
            notes = [note for one in chain.from_iterable(lists) for note in one.notes]
            notes += [f"training on {first_truths(one)}" for one in self._trained_on(stage)]
            notes += self._label_warnings(stage)
            for note in dict.fromkeys(notes):  # a data set may be there twice
                if note not in self._said:
                    say(note, stderr=True)
            self._said.update(notes)

    def _label_warnings(self, stage: str) -> list[str]:
        roles = [role for role in _STAGES[stage] if stage != "predict"]
        return [
            warning
            for role in roles
            for images in self._lists.get(role, ())
            for warning in label_warnings(self._own_judge, images, role)
        ]

    def _trained_on(self, stage: str) -> Sequence[ImageDataset]:
        return self._lists.get("train", ()) if stage == "fit" else ()

    def _collate(self) -> Collate:
        encode = self.encode
        if encode is None:
            encode = cast(Encode, self.trainer.lightning_module.encode)  # type: ignore[union-attr]
        if not self._prompt_checked:
            check_prompt(encode, self.prompt)
            for images in chain.from_iterable(self._lists.values()):
                check_own_prompts(encode, images)
            self._prompt_checked = True
        return Collate(encode, self._on_error)

    def _training_order(self) -> TrainingOrder:
        lists = self._lists["train"]
        return TrainingOrder(sum(map(len, lists)), self._seed, listing_digest(lists))

    def _train_batches(self, dataset: Dataset[Sample | SkippedSample]) -> TrainBatches:
        size = len(dataset)  # type: ignore[arg-type]
        shuffle = not self._overfits()
        return TrainBatches(size, self._batch_size, self._seed, self._share(), shuffle)

    def _eval_loader(self, role: str) -> BatchLoader:
        dataset = self._datasets[role]
        size = len(dataset)  # type: ignore[arg-type]
        done = self.find_done() if self.find_done else ()
        batches = EvalBatches(size, self._val_batch_size, self._share(), done)
        loader = BatchLoader(dataset, batches, self._collate(), self._workers)
        self._eval_loaders.append(loader)
        return loader

    def _share(self) -> Share:
        return Share(self.trainer.global_rank, self.trainer.world_size) if self.trainer else Share()

    def _overfits(self) -> bool:
        return self.trainer is not None and cast(Any, self.trainer).overfit_batches > 0


def _photos(images: str | list[str]) -> ImageSource:
    if isinstance(images, list) or Path(images).suffix.lower() == ".txt":
        return PhotoList(images)
    return PhotoFolder(images)


def _check_range(name: str, value: int, low: int, high: int | None = None) -> None:
    if value < low or (high is not None and value > high):
        limits = f">= {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}: expected an int {limits}, got {value}")


def _check_names(role: str, sources: list[ImageSource]) -> None:
    names = [source.name for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{role}: two data sets are named {twice[0]!r}; metrics are kept by name: give them"
            " different ones with `name`"
        )
