"""Files that come with this package, named without their folder."""

from pathlib import Path

from speciarl_pl.errors import JudgeError


def packaged_file(argument: str, name: str, folder: Path, suffix: str) -> Path:
    """The file `name` in `folder`, or the path given.

    Args:
        argument: What an error calls it.
        name: Stem of a packaged file, or a path that ends in `suffix`.
        folder: Where the packaged ones lie.
        suffix: Ending with its dot.

    Raises:
        JudgeError: If it is neither.
    """
    if name.lower().endswith(suffix):
        return Path(name)
    packaged = {path.stem: path for path in sorted(folder.glob(f"*{suffix}"))}
    if name not in packaged:
        raise JudgeError(
            f"{argument}: expected one of {', '.join(packaged) or '(none packaged)'} or the path "
            f"of a {suffix} file, got {name!r}"
        )
    return packaged[name]
