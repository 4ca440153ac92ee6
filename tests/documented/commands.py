"""The commands that README, docs and configurations show, read off their text.

In Markdown every line of a fence without a language is a command; a comment before the fence,
`<!-- not run: REASON -->`, or behind a line, `# not run: REASON`, marks what no test runs. In the
head of a configuration commands stand in a comment of their own, two blanks in.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGES = [
    REPOSITORY / "README.md",
    *sorted(set((REPOSITORY / "docs").glob("*.md")) - {REPOSITORY / "docs" / "extending.md"}),
]
"""All but the page whose commands need the files beside them; see test_extending.py."""
CONFIGS = sorted(
    path for ending in ("yaml", "sbatch") for path in (REPOSITORY / "configs").rglob(f"*.{ending}")
)

REASONS = ("a GPU", "a hub", "a cluster", "a server", "the network", "it installs packages")
"""What a marker may name."""

OURS = ("fit", "validate", "predict", "judge", "data", "report", "doctor")
"""Commands of this package, which running text names without `python -m speciarl_pl`."""

PROGRAMS = ("python", "make", "pip", "curl", "torchrun", "srun", "sbatch", "scontrol", "vllm")

_OTHER_LANGUAGES = ("text", "yaml", "json", "csv", "python")
_MARK = re.compile(r"not run: (.*?)\s*(?:-->)?$")
_VARIABLE = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True)
class Command:
    """One that a page shows."""

    place: str
    """File and line."""
    text: str
    """As written, on one line, without its comment."""
    marker: str = ""
    """Why no test runs it; empty if one has to."""

    @property
    def words(self) -> list[str]:
        """Program and arguments."""
        words = shlex.split(self.text, comments=True)
        while words and _VARIABLE.match(words[0]):
            del words[0]
        ours = words and words[0] in OURS
        return ["python", "-m", "speciarl_pl", *words] if ours else words

    @property
    def variables(self) -> dict[str, str]:
        """Those of the environment that are set before it."""
        words = shlex.split(self.text, comments=True)
        found = {}
        for word in words:
            if not _VARIABLE.match(word):
                break
            name, _, found[name] = word.partition("=")
        return found

    @property
    def ours(self) -> list[str]:
        """Arguments of this package's command line; empty for another program."""
        return self.words[3:] if self.words[:3] == ["python", "-m", "speciarl_pl"] else []


def page_commands(path: Path, text: str | None = None) -> list[Command]:
    """Commands in the fences and in the running text of a page.

    Raises:
        ValueError: If a fence has a language that is not known here, or a marker an unknown reason.
    """
    lines = (path.read_text(encoding="utf-8") if text is None else text).splitlines()
    found, inline = [], []
    fence, comment, start = None, "", 0
    block: list[str] = []
    for number, line in enumerate(lines, 1):
        if line.startswith("```") and fence is None:
            fence, start, block = line[3:].strip(), number, []
            if fence and fence not in _OTHER_LANGUAGES:
                raise ValueError(f"{path.name}:{number}: a fence of {fence!r}")
        elif line.startswith("```"):
            here = _commands(path, block, start + 1, comment)
            if fence == "":
                found += here
            elif any(command.words[0] in PROGRAMS for command in here):
                raise ValueError(f"{path.name}:{start}: a command in a fence of {fence!r}")
            fence, comment = None, ""
        elif fence is not None:
            block.append(line)
        else:
            inline.append((number, line))
            comment = _marker(path, number, line) if line.startswith("<!--") else ""
    return found + _inline(path, inline)


def config_commands(path: Path) -> list[Command]:
    """Commands in the comments of a configuration or a script."""
    found: list[Command] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.startswith("#   ") or (number > 1 and lines[number - 2].endswith("\\")):
            continue
        block = [line[4:]]
        while block[-1].endswith("\\"):
            block.append(lines[number - 1 + len(block)].lstrip("# "))
        found += [one for one in _commands(path, block, number, "") if _is_command(one.text)]
    return found


def documented() -> list[Command]:
    """All of them, in the order of pages and lines."""
    return [one for page in PAGES for one in page_commands(page)] + [
        one for config in CONFIGS for one in config_commands(config)
    ]


def unique(commands: list[Command]) -> list[Command]:
    """Each once, at its first place."""
    first = {(*one.words, *one.variables): one for one in reversed(commands)}
    return list(first.values())[::-1]


def label(command: Command) -> str:
    """Its name as a test."""
    return f"{command.place} {' '.join(command.words)[:60]}"


def to_run(*names: str) -> list[Command]:
    """Those of this package's commands, or other programs, of such names that a test has to run."""
    return [
        one
        for one in unique(documented())
        if not one.marker and {*one.ours[:1], *one.words[:1]} & {*names}
    ]


def _commands(path: Path, block: list[str], first: int, marker: str) -> list[Command]:
    found, parts = [], []
    for number, line in enumerate(block, first):
        parts.append(line.rstrip("\\").strip())
        if line.endswith("\\"):
            continue
        text = " ".join(parts)
        place = f"{path.relative_to(REPOSITORY).as_posix()}:{number - len(parts) + 1}"
        parts = []
        if text:
            command, _, comment = text.partition("  # ")
            mark = _marker(path, number, comment)
            found.append(Command(place, command.strip(), mark or marker))
    return found


def _marker(path: Path, number: int, comment: str) -> str:
    mark = _MARK.search(comment)
    if mark and mark[1] not in REASONS:
        raise ValueError(f"{path.name}:{number}: not run for {mark[1]!r}, which is no reason")
    return mark[1] if mark else ""


def _inline(path: Path, lines: list[tuple[int, str]]) -> list[Command]:
    """Those between backticks, which may go on in the next line."""
    text = "\n".join(line for _, line in lines)
    numbers = [number for number, line in lines for _ in range(len(line) + 1)]
    place = path.relative_to(REPOSITORY).as_posix()
    return [
        Command(f"{place}:{numbers[span.start()]}", " ".join(span[1].split()))
        for span in re.finditer(r"`([^`]+)`", text)
        if _is_command(span[1])
    ]


def _is_command(text: str) -> bool:
    """Whether it is one in full: a program, or a command of ours with an option."""
    try:
        words = Command("", text).words
        named = shlex.split(text)
    except (ValueError, IndexError):
        return False
    if words[:3] == ["python", "-m", "speciarl_pl"] and words[:3] != named[:3]:
        return any(word.startswith("-") for word in words[3:]) and "..." not in words
    return len(words) > 1 and words[0] in PROGRAMS
