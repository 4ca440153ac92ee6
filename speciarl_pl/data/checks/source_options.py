"""Options by which a command names data sets: a path, a class, or the config of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from jsonargparse import ActionConfigFile, ArgumentParser, Namespace  # type: ignore[attr-defined]

from speciarl_pl.data.datasets import HubImages, ImageFolder, ImageTable
from speciarl_pl.data.reading.tables import READERS
from speciarl_pl.data.source import ImageSource
from speciarl_pl.errors import DataError
from speciarl_pl.judge import Judge
from speciarl_pl.judge.config import load_judge, offline_judge
from speciarl_pl.system.lazy import load_all

_ROLES: Final = ("train", "val", "test")


class _DataOfConfig(ActionConfigFile):
    """Takes the data sets and the judge out of the config of a run, and leaves the rest."""

    @staticmethod
    def apply_config(parser: Any, cfg: Namespace, dest: str, value: str) -> None:
        kept = {name: part for name, part in _data(value).items() if name in (*_ROLES, "judge")}
        ActionConfigFile.apply_config(parser, cfg, dest, yaml.safe_dump({"data": kept}))


def add_source_options(parser: ArgumentParser) -> None:
    """Add the options to a parser."""
    load_all("speciarl_pl.data.datasets")  # short class names work for what is imported
    load_all("speciarl_pl.judge")
    parser.add_argument("--config", action=_DataOfConfig, help="config of a run: all its data sets")
    parser.add_argument(
        "--source",
        type=ImageSource | None,
        default=None,
        help="class of a data set, such as ImageFolder; its arguments: --source.root DIR",
    )
    for role in _ROLES:
        kind = ImageSource | None if role == "train" else list[ImageSource] | None
        parser.add_argument(f"--data.{role}", type=kind, default=None, help="as in a config")
    parser.add_argument("--data.judge", type=Judge | None, default=None, help="as in a config")


def sources_of(options: Namespace, path: str | None) -> list[tuple[str, ImageSource]]:
    """Build the data sets that the options name.

    Args:
        options: Those of `add_source_options`.
        path: A folder, a table or a Parquet file of pictures, named without an option.

    Returns:
        Role and data set: `train`, `val`, `test`; `own` where no config says.

    Raises:
        ValueError: If the options name none.
    """
    built = _built(options)
    found = [("own", built.source)] if built.source else []
    for role in _ROLES:
        named = built.data[role] or []
        found += [(role, one) for one in (named if isinstance(named, list) else [named])]
    if path is not None:
        found.append(("own", source_at(path)))
    if not found:
        raise ValueError(
            "source: expected a folder, a table, --source CLASS or --config FILE with data sets,"
            " got none"
        )
    return found


def judge_of(options: Namespace, file: str | None) -> Judge:
    """Build the judge that the options name: a file's, a config's, or the offline one."""
    if file is not None:
        return load_judge(file)
    judge: Judge | None = _built(options).data.judge
    return judge or offline_judge()


def source_at(path: str) -> ImageSource:
    """Make a data set of what lies at a path.

    Raises:
        DataError: If nothing does, or no table.

    Example:
        >>> source_at("no/such/birds.csv").name
        'birds'
    """
    if Path(path).expanduser().is_dir():
        return ImageFolder(path)
    ending = Path(path).suffix.lower()
    if ending == ".parquet" and _holds_pictures(path):
        return HubImages(path)
    if ending in READERS:
        return ImageTable(path)
    raise DataError(
        f"{path}: no such folder; expected a folder of classes, or a table"
        f" ({', '.join(READERS)}); a data set of a hub: --source HubImages --source.hub OWNER/NAME"
    )


def _holds_pictures(path: str) -> bool:
    import pyarrow.parquet
    import pyarrow.types as types

    try:
        kind = pyarrow.parquet.read_schema(Path(path).expanduser()).field("image").type
    except (OSError, KeyError, ValueError):  # the table says what is wrong
        return False
    return bool(types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _built(options: Namespace) -> Namespace:
    parser = ArgumentParser(exit_on_error=False)
    add_source_options(parser)
    kept = Namespace(config=None, source=options.source, data=options.data)  # type: ignore[no-untyped-call]
    built: Namespace = parser.instantiate(kept)
    return built


def _data(path: str) -> Mapping[str, Any]:
    try:
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read as YAML ({error})") from None
    data = config.get("data") if isinstance(config, dict) else None
    if not isinstance(data, dict):
        raise DataError(f"{path}: no `data` in it; expected the config of a run")
    return data
