"""The shipped configurations are in the wheel and found by name, from any folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from speciarl_pl.commands.cli import main
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.config import load_judge
from speciarl_pl.shipped_configs import FOLDER, find_config, names, with_shipped_configs

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["speciarl_pl"])
    return tmp_path


def test_every_file_of_the_repository_has_a_name():
    files = (REPOSITORY / "configs").rglob("*.yaml")
    assert set(names()) == {
        file.relative_to(REPOSITORY / "configs").with_suffix("").as_posix() for file in files
    }
    assert {"quickstart", "eval/cub", "judge/offline"} <= set(names())


@pytest.mark.parametrize(
    ("given", "folder", "expected"),
    [
        ("quickstart", "", "quickstart.yaml"),
        ("quickstart.yaml", "", "quickstart.yaml"),
        ("configs/quickstart.yaml", "", "quickstart.yaml"),
        ("./configs/eval/cub.yaml", "", "eval/cub.yaml"),
        ("eval/cub", "", "eval/cub.yaml"),
        ("offline", "judge/", "judge/offline.yaml"),
        ("judge/offline", "judge/", "judge/offline.yaml"),
        ("configs/judge/offline.yaml", "judge/", "judge/offline.yaml"),
    ],
)
def test_a_name_is_found(given, folder, expected):
    assert find_config(given, folder) == str(FOLDER / expected)


@pytest.mark.parametrize(
    "given", ["cub", "offline", "../quickstart", "quickstart.yml", "", "x" * 999]
)
def test_no_other_is(given):
    assert find_config(given) == given


def test_a_judge_is_no_configuration_of_a_run_and_no_class():
    assert find_config("quickstart", "judge/") == "quickstart"
    assert find_config("ExactJudge", "judge/") == "ExactJudge"


def test_a_file_wins_over_a_name_and_a_folder_does_not(elsewhere):
    (elsewhere / "quickstart").mkdir()
    assert find_config("quickstart") == str(FOLDER / "quickstart.yaml")
    (elsewhere / "quickstart.yaml").write_text("")
    assert find_config("quickstart.yaml") == "quickstart.yaml"


def test_only_options_that_take_a_file_are_looked_at():
    words = ["fit", "--config=quickstart", "-c", "eval/cub", "--data.judge", "offline"]
    words += ["--run_dir", "quickstart", "--data.judge.class_path=offline"]
    assert with_shipped_configs(words) == [
        "fit",
        f"--config={FOLDER}/quickstart.yaml",
        "-c",
        f"{FOLDER}/eval/cub.yaml",
        "--data.judge",
        f"{FOLDER}/judge/offline.yaml",
        "--run_dir",
        "quickstart",
        "--data.judge.class_path=offline",
    ]


@pytest.mark.parametrize("words", [["--config", "{seed_everything: 1}"], ["--config"]])
def test_what_is_no_name_is_left_to_the_parser(words):
    assert with_shipped_configs(words) == words


def test_a_run_by_name_prints_what_its_file_says(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--config", "quickstart", "--data.judge", "offline", "--print_config"])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "kl_coefficient: 0.08" in said
    assert "speciarl_pl.CascadeJudge" in said


def test_a_name_that_is_none_lists_those_that_are(capsys):
    assert main(["fit", "--config", "quikstart"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: config: quikstart: no such file, nor a configuration")
    assert ", ".join(names()) in said


def test_a_judge_is_loaded_by_name():
    assert len(load_judge("offline").stages) == len(
        load_judge(FOLDER / "judge/offline.yaml").stages
    )
    with pytest.raises(
        JudgeError,
        match=r"^ofline: no such file, .*: offline, remote, vllm; did you mean offline\?$",
    ):
        load_judge("ofline")


def _copy(folder):
    """What a wheel is made of: a build leaves files beside its source."""
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("speciarl_pl", "callbacks", "configs"):
        shutil.copytree(REPOSITORY / name, source / name, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, source)
    return str(source)


@pytest.mark.slow
def test_the_wheel_holds_them(elsewhere):
    """Built, unpacked where pip would put it, and run from an empty folder."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "wheels"]
    subprocess.run([*pip, *build, _copy(elsewhere)], check=True)
    (wheel,) = (elsewhere / "wheels").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(elsewhere / "site")
    here = elsewhere / "empty"
    here.mkdir()
    command = [sys.executable, "-m", "speciarl_pl", "fit", "--config", "quickstart"]
    done = subprocess.run(
        [*command, "--data.judge", "offline", "--print_config"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(elsewhere / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "kl_coefficient: 0.08" in done.stdout
    assert not done.stderr
    shipped = {
        file.relative_to(elsewhere / "site/speciarl_pl/configs")
        for file in (elsewhere / "site").rglob("*.yaml")
    }
    assert {file.with_suffix("").as_posix() for file in shipped} == set(names())
