"""What is kept from a user because nobody can do anything about it: here alone, and by a rule.

A package that another one calls in a way which is going away says so to whoever looks on. That is
for the authors of the two. What *this* package is warned about, its own calls of what is going
away included, is an error in its tests (`tests/conftest.py`), which hide no more than a command.
"""

import logging
import warnings
from collections.abc import Iterator
from typing import Final

DEPENDENCIES: Final = (
    "accelerate",
    "altair",
    "anyio",
    "bitsandbytes",
    "datasets",
    "fastapi",
    "httpcore",
    "httpx",
    "httpx2",
    "huggingface_hub",
    "jsonargparse",
    "lightning",
    "lightning_fabric",
    "lightning_utilities",
    "openai",
    "peft",
    "pydantic",
    "pytorch_lightning",
    "redis",
    "safetensors",
    "sentence_transformers",
    "spacy",
    "starlette",
    "tensorboard",
    "thinc",
    "tokenizers",
    "torch",
    "torchmetrics",
    "torchvision",
    "transformers",
    "uvicorn",
    "vllm",
)
"""Packages whose calls of each other, and of themselves, are their own affair."""

_GOING_AWAY: Final = (FutureWarning, DeprecationWarning, PendingDeprecationWarning)

_MESSAGES: Final = (
    r"`isinstance\(treespec, LeafSpec\)`",  # Lightning's own
    ".*does not have many workers",  # drawing is cheap
    "It is recommended to use `self.log.*sync_dist",  # summed
    ".*but no pre-optimization state was saved",  # not needed
    "Checkpoint directory .* exists and is not empty",  # resume
    ".*Outcomes was called before",  # limit_val_batches
    "The dirpath has changed from",  # validate --ckpt_path
)

_LOGGED: Final = {
    "lightning.pytorch.utilities.rank_zero": ("litlogger", "TPU available: False"),
    # It advises TF32, which would round the products of a float32 adapter to ten bits.
    "lightning.fabric.utilities.rank_zero": ("has Tensor Cores",),
    # A faster kernel for CPUs that some CPUs could use, if a further package fetched it.
    "bitsandbytes.backends.cpu.ops": ("Failed to load CPU gemm_4bit_forward",),
}
"""Beginnings or parts of lines, by the logger that writes them."""


def rules() -> Iterator[tuple[str, type[Warning], str]]:
    """Regular expression of the message, kind and regular expression of the module that warns.

    The module is where the deprecated call stands, or what was called, as its author chose.
    """
    modules = rf"({'|'.join(DEPENDENCIES)})(\.|$)"
    for kind in _GOING_AWAY:
        yield "", kind, modules


def quieten() -> None:
    """Hide what a user of a command can do nothing about; what is an error stays visible."""
    for message, kind, module in rules():
        warnings.filterwarnings("ignore", message, kind, module)
    for message in _MESSAGES:
        warnings.filterwarnings("ignore", message)
    for name, texts in _LOGGED.items():
        _drop(logging.getLogger(name), texts)


class _Without(logging.Filter):
    """Lets lines pass that contain none of some texts."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        super().__init__()
        self.texts = texts

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is for the user."""
        said = record.getMessage()
        return not any(text in said for text in self.texts)


def _drop(logger: logging.Logger, texts: tuple[str, ...]) -> None:
    if not any(isinstance(one, _Without) for one in logger.filters):
        logger.addFilter(_Without(texts))
