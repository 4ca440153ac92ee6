"""Every documented `validate`, `predict` and `report` is run, made small."""

import json

import pytest

from .commands import label, to_run
from .place import SMALLER, run_ours

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("command", to_run("validate"), ids=label)
def test_it_validates(command, place_with_runs, monkeypatch, capsys):
    small = SMALLER["validate"]
    code = run_ours([*command.ours, *small, *_two_samples(command.words)], monkeypatch)
    assert code == 0, capsys.readouterr().err
    out = place_with_runs / "OUT"
    folder = out if "OUT" in command.words else next(place_with_runs.glob("runs/*/*"))
    results = json.loads((folder / "results.json").read_text())
    assert sum(sum(found["counts"].values()) for found in results["datasets"].values()) >= 1
    assert (folder / "report.html").is_file()


def _two_samples(words):
    best = "configs/eval/best_of_64.yaml" in words
    return ["--rollout.init_args.val_group_size=2"] if best else []


@pytest.mark.parametrize("command", to_run("predict"), ids=label)
def test_it_names_photos(command, place_with_runs, monkeypatch, capsys):
    small = (*SMALLER["predict"], "--rollout.init_args.val_group_size=2")
    assert run_ours([*command.ours, *small], monkeypatch) == 0, capsys.readouterr().err
    folder = next(place_with_runs.glob("runs/*/*"))
    assert len((folder / "predictions.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize("command", to_run("report"), ids=label)
def test_it_makes_a_page(command, place_with_runs, monkeypatch, capsys):
    assert run_ours(command.ours, monkeypatch) == 0
    page = capsys.readouterr().out.rpartition("wrote ")[2].strip()
    assert (place_with_runs / page).read_text().startswith("<!doctype html>")
