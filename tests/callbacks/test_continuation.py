"""`validate` and `predict` that were interrupted go on; the command line, on the built-in world."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from interruptions import Deaf, InterruptedRunError, Interruptible
from PIL import Image

SAMPLES = (
    "--rollout.val_group_size=3",
    "--rollout.val_sampling={temperature: 1.0, max_new_tokens: 24}",
)
OUTCOME = ("results.json", "rollouts.parquet")


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.setattr(Interruptible, "drawn", [])
    monkeypatch.setattr(Interruptible, "breaks_at", None)
    return Interruptible


def validate(commands, name, *options):
    engine = "--rollout.class_path=interruptions.Interruptible"
    return commands("validate", name, engine, "--data.val_batch_size=1", *options)


def content(folder, name):
    return [(folder / name / file).read_bytes() for file in OUTCOME]


@pytest.mark.slow
def test_a_run_goes_on_and_ends_as_if_it_had_never_stopped(commands, engine, tmp_path):
    assert validate(commands, "whole", *SAMPLES) == 0
    assert engine.drawn == list(range(5))
    engine.breaks_at = 2
    with pytest.raises(InterruptedRunError):
        validate(commands, "part", *SAMPLES)
    assert not (tmp_path / "part" / "results.json").exists()
    engine.breaks_at, engine.drawn = None, []
    assert validate(commands, "part", *SAMPLES, "--data.val_batch_size=2") == 0
    assert engine.drawn == [2, 3, 4], "what was there is not drawn again"
    assert content(tmp_path, "part") == content(tmp_path, "whole")
    engine.drawn = []
    assert validate(commands, "part", *SAMPLES) == 0
    assert engine.drawn == [], "all was there"
    assert content(tmp_path, "part") == content(tmp_path, "whole")


@pytest.mark.slow
def test_other_settings_are_refused_and_nothing_is_lost(commands, tmp_path, capsys):
    assert validate(commands, "run") == 0
    before = content(tmp_path, "run")
    for option, what in (
        ("--rollout.val_sampling={temperature: 0.5, max_new_tokens: 8}", "sampling"),
        ("--rollout.val_group_size=2", "rollouts"),
        ("--data.prompt=general", "prompt"),
        ("--seed_everything=4", "seed"),
        ("--data.judge={class_path: ExactJudge}", "judge"),
        ("--data.val+={class_path: WorldImages, init_args: {n: 1, seed: 9, name: x}}", "data"),
        ("--model.max_answer_chars=50", "max_answer_chars"),
    ):
        assert validate(commands, "run", option) == 1
        said = capsys.readouterr().err
        assert f"holds rollouts made with another {what}; choose another --run_dir" in said
        assert content(tmp_path, "run") == before


@pytest.mark.slow
def test_what_was_left_unjudged_is_asked_again(commands, engine, tmp_path, monkeypatch):
    options = (
        "--data.judge=interruptions.Deaf",
        "--model.max_unjudged_share=1.0",
        "--model.judge_patience_s=0",
    )
    for down, unjudged in ((True, 3), (False, 0)):
        monkeypatch.setattr(Deaf, "down", down)
        assert validate(commands, "run", *options) == 0
        results = json.loads((tmp_path / "run" / "results.json").read_text())
        assert results["datasets"]["seen"]["counts"]["unjudged"] == unjudged
    assert engine.drawn == [*range(5), *range(5)]
    assert pq.read_metadata(tmp_path / "run" / "rollouts.parquet").num_rows == 5


@pytest.fixture
def broken(tmp_path):
    """A table of five photos of which two cannot be read."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for place in range(5):
        Image.new("RGB", (56, 56), (50 * place, 0, 0)).save(folder / f"{place}.png")
    for place in (1, 3):
        (folder / f"{place}.png").write_bytes(b"")
    rows = [f"{place}.png,crimson hexagon" for place in range(5)]
    (folder / "table.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    return {
        "class_path": "ImageTable",
        "init_args": {"path": str(folder / "table.csv"), "name": "photos"},
    }


def of(folder, name, dataset):
    return json.loads((folder / name / "results.json").read_text())["datasets"][dataset]


@pytest.mark.slow
def test_what_was_cut_and_skipped_is_known_after_an_interruption_too(
    commands, engine, broken, tmp_path, capsys
):
    options = (
        f"--data.val={json.dumps([broken])}",
        "--rollout.val_sampling={temperature: 1.0, max_new_tokens: 3}",
    )
    assert validate(commands, "whole", *options) == 0
    engine.breaks_at = 2
    with pytest.raises(InterruptedRunError):
        validate(commands, "part", *options)
    engine.breaks_at = None
    capsys.readouterr()
    assert validate(commands, "part", *options) == 0
    assert content(tmp_path, "part") == content(tmp_path, "whole")
    found = of(tmp_path, "part", "photos")
    assert (found["images"], found["cut"], found["skipped"]["count"]) == (3, 3, 2)
    assert [one["id"] for one in found["skipped"]["samples"]] == ["1.png", "3.png"]
    shown = capsys.readouterr().out
    assert "cut: rollouts ended by rollout.val_sampling.max_new_tokens = 3" in shown
    assert "skipped" in shown


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_kill_9_and_the_same_command_again(commands, broken, tmp_path, processes):
    """Byte for byte the results of a run that nothing happened to, on one process."""
    sets = [
        {"class_path": "WorldImages", "init_args": {"n": n, "seed": n, "name": name}}
        for n, name in ((9, "seen"), (12, "unseen"))
    ]
    options = [f"--data.val={json.dumps([broken, *sets])}", *SAMPLES]
    assert commands("validate", "whole", *options) == 0
    assert of(tmp_path, "whole", "photos")["skipped"]["count"] == 2
    again = [
        *(sys.executable, "-m", "speciarl_pl", "validate", "--config", str(commands.config)),
        *("--run_dir", str(tmp_path / "killed"), *options, "--data.val_batch_size=1"),
    ]
    if processes > 1:
        again += ["--trainer.strategy=ddp", f"--trainer.devices={processes}"]
    kill_at_work(again, tmp_path / "killed" / "rollouts.parts")
    assert not (tmp_path / "killed" / "results.json").exists()
    done = subprocess.run(again, timeout=120, env=one_thread(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert content(tmp_path, "killed") == content(tmp_path, "whole")


def one_thread():
    tests = str(Path(__file__).parents[1])  # holds the reward that the tiny configuration names
    paths = os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}


def kill_at_work(command, parts):
    """Kill a command and all its processes once it has written some parts."""
    process = subprocess.Popen(
        command,
        env=one_thread(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while len(list(parts.glob("*.parquet"))) < 4:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end, "it wrote nothing"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
