"""Finding a base model, and saying clearly why something else is not one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from transformers import AutoConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
from transformers.utils import logging as transformers_logging

from speciarl_pl.errors import ModelError
from speciarl_pl.hub_ids import pinned

NEEDED = (
    "needed: a vision-language model as transformers saves it (config.json, weights, processor)"
)


def resolve(base: str) -> str:
    """Directory or hub id meant by a user's `base`; `world` is the built-in tiny model.

    A directory is given with its full path: adapters and engines name it, and are used elsewhere.
    """
    if base == "world":
        return str(files("speciarl_pl") / "world" / "base")
    path = Path(base).expanduser()
    return str(path.absolute()) if path.exists() or base.startswith("~") else base


def vlm_config(path: str) -> Any:
    """Config of the vision-language model at `path`.

    Args:
        path: A directory, or a hub id, if wanted with the revision (`owner/name@revision`).

    Returns:
        The transformers config.

    Raises:
        ModelError: If there is no model, or one that is not a VLM; names the path, what was
            found and what is needed.
    """
    _check_directory(path)
    try:
        with quiet():
            name, revision = pinned(path)
            config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        if "trust_remote_code" in str(error):
            raise ModelError(
                f"{path}: its model comes as code of its own, which is not run; {NEEDED}, which "
                "for many families is another repository, often named ...-hf"
            ) from error
        where = "" if Path(path).exists() else "no such directory, and, as a hub id, "
        reason = f"{where}no readable model config: {_cause(error)}"
        raise ModelError(f"{path}: {reason}; {NEEDED}") from error
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise ModelError(
            f"{path}: found a model of type {config.model_type!r}, which does not take an image"
            f" and answer in text; {NEEDED}"
        )
    return config


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and log lines below errors off the terminal."""
    logging: Any = transformers_logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _check_directory(path: str) -> None:
    """Raise a `ModelError` unless `path` may hold a config or be a hub id."""
    folder = Path(path)
    if not folder.exists():
        if not _may_be_hub_id(path):
            raise ModelError(f"{path}: no such directory; {NEEDED}")
        return
    if not folder.is_dir():
        raise ModelError(f"{path}: found a file, not a directory; {NEEDED}")
    names = sorted(entry.name for entry in folder.iterdir())
    if "config.json" in names:
        return
    hint = ""
    if "adapter_config.json" in names:
        hint = " This is an adapter: give it as `adapter`, and its base model as `base`."
    found = f"only {', '.join(names[:5])}" if names else "an empty directory"
    raise ModelError(f"{path}: found {found}, no config.json; {NEEDED}.{hint}")


def _may_be_hub_id(path: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", pinned(path)[0]) is not None


def _cause(error: BaseException) -> str:
    """What went wrong at the bottom of a chain of errors, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    root: BaseException = error
    while (below := root.__cause__ or root.__context__) is not None:
        root = below
    first = lines[0] if lines else type(error).__name__
    if root is error:
        return first
    return f"{first} ({type(root).__name__}: {str(root).splitlines()[0] if str(root) else ''})"
