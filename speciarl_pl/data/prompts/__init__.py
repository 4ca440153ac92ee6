"""Questions asked about an image: one text file a prompt, chosen by name."""

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
        ValueError: If there is no such prompt, or it is empty.

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
    text = path.read_text(encoding="utf-8").strip()
    if not text:
        raise ValueError(f"prompt: {path} is empty; write the question into it")
    return text
