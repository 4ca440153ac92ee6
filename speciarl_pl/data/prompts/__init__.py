"""Questions asked about an image: one text file a prompt, chosen by name (paper, section 6).

`general` is the plain question. The others ask the same in another attitude, and end in the very
same words about answering and abstaining, so that the attitude is all that differs:
`specific` wants the most specific name that is sure, `calibrated` the level that is right nine
times in ten, `elimination` what is left of several candidates, `high_precision` a name only if it
is sure, `max_correctness` a true name however broad, `max_specificity` the finest name however
doubtful. `brief` is one line, for the built-in world.
"""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""Where the built-in prompts lie."""


def prompt_names() -> list[str]:
    """List the built-in prompts.

    Example:
        >>> {"general", "specific"} <= set(prompt_names())
        True
    """
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def load_prompt(name_or_path: str) -> str:
    """Read a prompt.

    Args:
        name_or_path: Name of a built-in prompt, or path of a text file (UTF-8).

    Returns:
        Its text, without blank space around it.

    Raises:
        ValueError: If there is no such prompt, it cannot be read as UTF-8, or it is empty.

    Example:
        >>> "<answer>" in load_prompt("general")
        True
    """
    path = FOLDER / f"{name_or_path}.txt" if name_or_path in prompt_names() else Path(name_or_path)
    if not path.is_file():
        raise ValueError(
            f"prompt: expected one of {', '.join(prompt_names())}, or the path of a text file;"
            f" got {name_or_path!r}"
        )
    text = _read(path).strip()
    if not text:
        raise ValueError(f"prompt: {path} is empty; write the question into it")
    return text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"prompt: expected UTF-8 text in {path}, got other bytes ({error}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise ValueError(f"prompt: {path} cannot be read: {error.strerror}") from error
