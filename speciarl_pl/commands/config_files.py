"""Where in a config file something stands, and what is wrong there before a parser sees it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml

_OPTIONS: Final = ("--config", "-c")


def config_files(words: Sequence[str]) -> Iterator[Path]:
    """The files that a command line names as configs.

    Example:
        >>> from tempfile import NamedTemporaryFile
        >>> with NamedTemporaryFile() as file:
        ...     list(config_files(["fit", "--config", file.name])) == [Path(file.name)]
        True
    """
    pairs = zip(words, (*words[1:], ""), strict=False)
    given = [after if word in _OPTIONS else word.partition("--config=")[2] for word, after in pairs]
    yield from (Path(one) for one in given if one and "\n" not in one and Path(one).is_file())


def check_yaml(path: Path) -> None:
    """Read a config for its form alone.

    Raises:
        ValueError: If it is not YAML; names the file, the line and what is wrong there, in a line.
    """
    try:
        yaml.compose(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        begun = error.context_mark
        context = f" {error.context}" if error.context else ""
        since = f" that begins in line {begun.line + 1}" if begun and context else ""
        raise ValueError(
            f"config: {path}{place}: {error.problem or 'not YAML'}{context}{since}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"config: {path}: cannot be read as YAML: {said}") from error


def line_of(path: Path, key: str) -> int | None:
    r"""Line of a dotted key in a config, from 1; None where it does not stand.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "a.yaml")
        ...     _ = file.write_text("model:\n  lora: {r: 4}\n  larning: 3\n")
        ...     line_of(file, "model.larning"), line_of(file, "model.other")
        (3, None)
    """
    node = yaml.compose(path.read_text(encoding="utf-8"))
    line = None
    for part in key.split("."):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = [(name, value) for name, value in pairs if name.value == part]
        if not found:
            return None
        name, node = found[-1]
        line = name.start_mark.line + 1
    return line


def place_of(words: Sequence[str], key: str) -> str:
    """`FILE, line N: ` of a dotted key in the last config of a command line that has it."""
    found = [(path, line) for path in config_files(words) if (line := line_of(path, key))]
    return f"{found[-1][0]}, line {found[-1][1]}: " if found else ""
