"""The configurations that come with the package, by name, from any folder."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from speciarl_pl.nearest import did_you_mean

FOLDER: Final = Path(__file__).parent / "configs"
"""A link to the folder of the repository; files in an installed package."""

_JUDGE: Final = "judge/"
_OPTIONS: Final = {"--config": "", "-c": "", "--data.judge": _JUDGE}
"""Options that take a file, and the part of the names that may be left out."""

_WRITTEN_OUT: Final = ("{", "\n")
"""What is in a configuration that is given itself, and in no name."""


@cache
def names() -> tuple[str, ...]:
    """Their names, such as `quickstart`, `eval/cub` and `judge/offline`."""
    files = FOLDER.rglob("*.yaml")
    return tuple(sorted(file.relative_to(FOLDER).with_suffix("").as_posix() for file in files))


def find_config(given: str, folder: str = "") -> str:
    """The file that is meant: `given` itself if it is there, else the shipped one of that name.

    Args:
        given: A path, or a name; `configs/` before it and `.yaml` behind it may be left out.
        folder: What may be left out of a name, too: `judge/` where a judge is expected.

    Returns:
        A path; `given` where neither a file nor a shipped configuration is meant.

    Example:
        >>> Path(find_config("eval/cub")).relative_to(FOLDER).as_posix()
        'eval/cub.yaml'
        >>> find_config("offline", "judge/") == find_config("judge/offline")
        True
        >>> find_config("ExactJudge", "judge/")
        'ExactJudge'
    """
    if _there(given):
        return given
    name = given.removeprefix("./").removeprefix("configs/").removesuffix(".yaml")
    found = [one for one in (name, folder + name) if one in names() and one.startswith(folder)]
    return str(FOLDER / f"{found[0]}.yaml") if found else given


def expected_config(given: str, folder: str = "") -> str:
    """What to say of a file that is not there.

    Example:
        >>> print(expected_config("mine", "judge/"))
        mine: no such file, nor a configuration of the package: offline, remote, vllm
    """
    known = [one.removeprefix(folder) for one in names() if one.startswith(folder)]
    near = did_you_mean(given, known)
    return f"{given}: no such file, nor a configuration of the package: {', '.join(known)}{near}"


def with_shipped_configs(words: Sequence[str]) -> list[str]:
    """Put the files of shipped configurations where a command line names them.

    Args:
        words: A command line after the program name.

    Raises:
        ValueError: If a configuration is named that is neither a file nor shipped.

    Example:
        >>> words = with_shipped_configs(["fit", "--config", "quickstart", "--data.judge=x.Judge"])
        >>> words[2].endswith("speciarl_pl/configs/quickstart.yaml"), words[3]
        (True, '--data.judge=x.Judge')
    """
    found: list[str] = []
    option = ""
    for word in words:
        if option:
            found.append(_find(option, word))
            option = ""
            continue
        name, equals, value = word.partition("=")
        if equals and name in _OPTIONS:
            found.append(f"{name}={_find(name, value)}")
        else:
            found.append(word)
            option = word if word in _OPTIONS else ""
    return found


def _find(option: str, value: str) -> str:
    folder = _OPTIONS[option]
    file = find_config(value, folder)
    if file != value or _there(value) or folder or any(mark in value for mark in _WRITTEN_OUT):
        return file  # a judge may also be a class
    raise ValueError(f"config: {expected_config(value)}")


def _there(path: str) -> bool:
    try:
        return Path(path).exists() and not Path(path).is_dir()  # a pipe is as good as a file
    except (OSError, ValueError):  # too long for a name, or a null byte: written out, not a path
        return False
