"""Every documented command is one that exists and takes its options; nothing is run.

What runs them: `test_runs.py`, `test_evaluations.py`, `test_tools.py` and `test_cluster.py`.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .commands import (
    PAGES,
    REASONS,
    REPOSITORY,
    Command,
    config_commands,
    documented,
    label,
    page_commands,
    unique,
)
from .place import run_ours

COMMANDS = documented()
MAKE = (REPOSITORY / "Makefile").read_text()
EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]

ELSEWHERE = {
    "benchmarks/gpu.py": "test_gpu_benchmark.py",
    "benchmarks/shapes.py": "test_gpu_benchmark.py",
    "benchmarks/judge.py": "judge/test_benchmark.py",
    "benchmarks/metrics.py": "metrics/test_metrics_benchmark.py",
    "benchmarks/quickstart_seeds.py": "test_quickstart_seeds.py",
    "benchmarks/rollouts.py": "callbacks/test_benchmark.py",
    "benchmarks/update.py": "policy/test_benchmark.py",
    "vllm.entrypoints.openai.api_server": "vllm_tools.py",
    "configs/quickstart_vllm.yaml": "test_quickstart_vllm.py",
}
"""What a command starts -> where below `tests` it is run."""


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(REPOSITORY)


@pytest.mark.parametrize(
    "command",
    [one for one in unique(COMMANDS) if one.ours[:1] in (["fit"], ["validate"], ["predict"])],
    ids=label,
)
def test_a_run_takes_its_options(command, monkeypatch, capsys):
    words = [word for word in command.ours if word not in ("--help", "$@")]
    assert run_ours([*words, "--print_config"], monkeypatch) == 0, capsys.readouterr().err


def test_no_command_is_of_a_kind_that_nothing_runs():
    """One that is added to a page is either run, or marked, or fails here."""
    unknown = [f"{one.place}: {one.text}" for one in COMMANDS if not one.marker and not known(one)]
    assert unknown == []


def known(command: Command) -> bool:
    match command.words:
        case ["python", "-m", "speciarl_pl", "--help"]:  # tests/test_commands.py
            return True
        case ["python", "-m", "speciarl_pl", name, *_]:
            return name in ("fit", "validate", "predict", "judge", "data", "report", "doctor")
        case ["python", script, *_] if script != "-m":
            return script in ELSEWHERE
        case ["python", "-m", module, *_]:
            return module in ELSEWHERE
        case ["make" | "pip" | "curl" | "torchrun" | "sbatch", *_]:
            return True
    return False


@pytest.mark.parametrize(("started", "test"), ELSEWHERE.items(), ids=list(ELSEWHERE))
def test_what_is_run_elsewhere_is(started, test):
    text = (Path(__file__).parents[1] / test).read_text()
    assert Path(started).name in text or started in text
    if started.startswith("benchmarks/"):
        script = (REPOSITORY / started).read_text()
        for command in COMMANDS:
            if started in command.words:
                options = [word for word in command.words if word.startswith("--")]
                assert all(f'"{option}"' in script for option in options), command.place


@pytest.mark.parametrize(
    "command", [one for one in unique(COMMANDS) if one.words[0] == "make"], ids=label
)
def test_a_target_of_make_is_there(command):
    targets = [word for word in command.words[1:] if "=" not in word]
    for target in targets:
        assert re.search(rf"^{target}:", MAKE, flags=re.MULTILINE)
    done = subprocess.run(
        ["make", "--dry-run", f"PYTHON={sys.executable}", *targets],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_quickstart_of_make_is_the_command_that_is_documented():
    assert "python -m speciarl_pl fit --config configs/quickstart.yaml" in MAKE


@pytest.mark.parametrize(
    "command", [one for one in unique(COMMANDS) if one.words[0] == "pip"], ids=label
)
def test_what_pip_installs_is_declared(command):
    asked = re.search(r"(?:speciarl_pl|\.|\.whl)\[([\w,-]+)\]", command.text)
    for extra in asked[1].split(",") if asked else []:
        assert extra in EXTRAS


def test_a_marker_names_a_reason_that_holds():
    assert {one.marker for one in COMMANDS} <= {"", *REASONS}
    for one in COMMANDS:
        script = "sbatch" in one.words  # its body is run with stand-ins
        needs_gpu = one.words[0] == "vllm" or ("Qwen" in one.text and not script)
        assert not (needs_gpu and not one.marker), one.place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```bash\npython -m x\n```", "a fence of 'bash'"),
        ("```text\npython -m speciarl_pl fit\n```", "a command in a fence of 'text'"),
        ("<!-- not run: no time -->\n```\nmake test\n```", "'no time', which is no reason"),
    ],
    ids=["language", "hidden", "reason"],
)
def test_no_command_hides(text, message):
    with pytest.raises(ValueError, match=message):
        page_commands(REPOSITORY / "README.md", text)


def test_commands_are_read_off_a_page():
    text = """
Run `make vllm`, or `fit
--config a.yaml`; `validate` is no command, nor is `judge audit`.

<!-- not run: a GPU -->
```
A=1 vllm serve BASE \\
    --port 8000
```

```
python -m speciarl_pl fit --config x  # not run: a server
python -m speciarl_pl report R   # its page
```
"""
    found = page_commands(REPOSITORY / "README.md", text)
    assert [(one.place, one.text, one.marker) for one in found] == [
        ("README.md:7", "A=1 vllm serve BASE --port 8000", "a GPU"),
        ("README.md:12", "python -m speciarl_pl fit --config x", "a server"),
        ("README.md:13", "python -m speciarl_pl report R", ""),
        ("README.md:2", "make vllm", ""),
        ("README.md:2", "fit --config a.yaml", ""),
    ]
    assert found[0].words[0] == "vllm"
    assert found[0].variables == {"A": "1"}
    assert found[-1].ours == ["fit", "--config", "a.yaml"]


def test_every_page_and_configuration_is_looked_at():
    assert {path.name for path in PAGES} >= {"README.md", "cluster.md", "runs.md", "judge.md"}
    heads = [path for path in (REPOSITORY / "configs").rglob("*.yaml") if config_commands(path)]
    assert len(heads) == len(list((REPOSITORY / "configs").rglob("*.yaml")))
