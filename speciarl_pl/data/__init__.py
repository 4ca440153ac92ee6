"""Data: images with labels become batches of samples."""

from typing import TYPE_CHECKING

from speciarl_pl.system.lazy import handed_out

if TYPE_CHECKING:
    from speciarl_pl.data.data_module import OpenWorldDataModule
    from speciarl_pl.data.dataset import Collate, Encode, ImageDataset
    from speciarl_pl.data.datasets import (
        CUB200,
        Benchmark,
        FGVCAircraft,
        Flowers102,
        Food101,
        HubImages,
        ImageFolder,
        ImageTable,
        MixedImages,
        OxfordPets,
        PhotoFolder,
        StanfordCars,
        WorldImages,
    )
    from speciarl_pl.data.images.opening import open_image
    from speciarl_pl.data.loader import BatchLoader, ResumableLoader
    from speciarl_pl.data.of_trainer import data_of, find_data
    from speciarl_pl.data.position import listing_digest
    from speciarl_pl.data.prompts import load_prompt
    from speciarl_pl.data.source import FileSource, ImageSource, file_table

__all__ = [
    "CUB200",
    "BatchLoader",
    "Benchmark",
    "Collate",
    "Encode",
    "FGVCAircraft",
    "FileSource",
    "Flowers102",
    "Food101",
    "HubImages",
    "ImageDataset",
    "ImageFolder",
    "ImageSource",
    "ImageTable",
    "MixedImages",
    "OpenWorldDataModule",
    "OxfordPets",
    "PhotoFolder",
    "ResumableLoader",
    "StanfordCars",
    "WorldImages",
    "data_of",
    "file_table",
    "find_data",
    "listing_digest",
    "load_prompt",
    "open_image",
]

__getattr__ = handed_out(__name__)
