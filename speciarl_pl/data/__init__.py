"""Data: images with labels become batches of samples."""

from speciarl_pl.data.collate import Collate, Encode
from speciarl_pl.data.dataset import ImageDataset
from speciarl_pl.data.datasets import (
    Flowers102,
    ImageFolder,
    ImageTable,
    OxfordPets,
    PhotoFolder,
    WorldImages,
)
from speciarl_pl.data.images import open_image
from speciarl_pl.data.loader import BatchLoader, ResumableLoader
from speciarl_pl.data.module import OpenWorldDataModule
from speciarl_pl.data.prompts import load_prompt
from speciarl_pl.data.source import ImageSource

__all__ = [
    "BatchLoader",
    "Collate",
    "Encode",
    "Flowers102",
    "ImageDataset",
    "ImageFolder",
    "ImageSource",
    "ImageTable",
    "OpenWorldDataModule",
    "OxfordPets",
    "PhotoFolder",
    "ResumableLoader",
    "WorldImages",
    "load_prompt",
    "open_image",
]
