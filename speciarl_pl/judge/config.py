"""A file names a judge."""

import re
from pathlib import Path
from typing import Any, Final

import yaml
from jsonargparse import ArgumentError, ArgumentParser, set_parsing_settings

from speciarl_pl.class_paths import parse_older
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.around.cascade import CascadeJudge
from speciarl_pl.judge.base import Judge
from speciarl_pl.judge.rules.exact import ExactJudge
from speciarl_pl.judge.rules.taxonomy import TaxonomyJudge
from speciarl_pl.shipped_configs import expected_config, find_config
from speciarl_pl.system.lazy import load_all

set_parsing_settings(import_path_denylist=[])  # refuses `os.system` and the like, as version 5 will


def load_judge(path: str | Path) -> Judge:
    r"""Build the judge that a YAML file describes.

    The file holds `class_path`, a subclass of `Judge`, and `init_args`, its arguments; a judge that
    has others inside takes the same again. Judges of this package need no module name. Relative
    paths in it are relative to the current folder.

    Args:
        path: The file; or the name of one that comes with the package, such as `offline`.

    Returns:
        The judge, not opened.

    Raises:
        JudgeError: If the file is missing or does not describe a judge; names the file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "judge.yaml")
        ...     _ = file.write_text("class_path: ExactJudge\ninit_args: {unknown: unjudged}\n")
        ...     load_judge(file).unknown
        'unjudged'
    """
    load_all("speciarl_pl.judge")  # short class names work for what is imported
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Judge, "judge", required=True)
    path = find_config(str(path), "judge/")
    config = _read(path)
    try:
        parsed = parse_older(lambda: parser.parse_object({"judge": config}))
        judge = parser.instantiate(parsed).judge
    except (ArgumentError, ValueError, TypeError, JudgeError) as error:
        raise JudgeError(f"{path}: {_one_line(error)}") from error
    assert isinstance(judge, Judge)
    return judge


def _read(path: str | Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise JudgeError(expected_config(str(path), "judge/")) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else _one_line(error)
        raise JudgeError(f"{path}: cannot be read as YAML: {reason}") from error
    if not isinstance(config, dict) or not isinstance(config.get("class_path"), str):
        raise JudgeError(
            f"{path}: expected class_path and init_args of a judge, got {str(config)[:100]!r}"
        )
    others = ", ".join(sorted(map(str, config.keys() - {"class_path", "init_args"})))
    if others:
        raise JudgeError(f"{path}: expected class_path and init_args only, got also {others}")
    return config


def _one_line(error: Exception) -> str:
    """What is wrong, without what the parser says about it at length."""
    text = re.sub(r"\s+", " ", str(error)).strip()
    text = re.sub(r" - Expected a <class 'NoneType'> Given value type: .*", "", text)
    text = re.sub(r"^.*Does not validate against any of the Union subtypes.* Errors: - ", "", text)
    text = re.sub(r"Problem with given class_path '(?:[\w.]*\.)?(\w+)'", r"\1", text)
    return re.sub(r'Parser key "(\w+)"', r"\1", text)


# The judge that needs nothing but this package.


BENCHMARKS: Final = (
    "cub",
    "fgvc_aircraft",
    "flowers102",
    "food101",
    "oxford_pets",
    "stanford_cars",
)
"""The packaged taxonomies of the benchmarks."""

TREES: Final = (*BENCHMARKS, "everyday")
"""Those of the offline judge: also everyday things and animals, CIFAR-100 among them."""


def offline_judge() -> CascadeJudge:
    """A judge for the benchmarks and everyday things: equality, then trees; else unjudged.

    `configs/judge/offline.yaml` says the same, to be changed.

    Example:
        >>> from speciarl_pl.records import Pair
        >>> offline_judge().judge([Pair("Samoyed", "a dog")])[0].category.label
        'generic'
    """
    taxonomies = TaxonomyJudge(list(TREES), unknown="unjudged")
    return CascadeJudge([ExactJudge(unknown="unjudged"), taxonomies])
