"""Every command prints texts of users as they are, whole, at any width."""

import csv
import json
import re
from types import SimpleNamespace

import factory
import pytest
import torch
from data.datasets.miniatures import build
from PIL import Image
from report import report_runs as made
from test_data_cli import coop

from speciarl_pl.__main__ import main
from speciarl_pl.callbacks import prediction_writer as predictions
from speciarl_pl.callbacks import results_writer as results
from speciarl_pl.commands import doctor
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.metrics.functional import summarize
from speciarl_pl.report import PhotoPrediction

TEXT = "a [red]b[-red] :smile: [[bold]x] [link=u] \\[i] [-] 100% {a} %s"
"""Rich's markup, with `-` for `/`, which no name of a file holds; emoji; other languages'."""

MARKED = TEXT.replace("-", "/")
SHORT = "[/b] :x:"
"""As a name in a table: short enough for a cell of the narrowest."""

FRAME = re.compile(r"[\s─━│┃┏┓┗┛┡┩╇┳┻└┘┴┬┼├┤╞╡═]+")


AT_ANY_WIDTH = pytest.mark.parametrize(
    "width", ["40", "80", None], ids=["40 columns", "80 columns", "no terminal"], indirect=True
)
"""For what is printed in tables; lines do not depend on it."""


@pytest.fixture
def width(request, monkeypatch):
    columns = getattr(request, "param", "40")
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, to rich
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def printed(capsys, width):
    """What a command printed, without its colours."""

    def run(command, *words):
        capsys.readouterr()
        command(*words)
        said = capsys.readouterr()
        whole = re.sub(r"\x1b\[[\d;]*m", "", said.out + said.err)
        assert "Traceback" not in whole
        return whole

    return run


def squeezed(text):
    """`text` without what a narrow table puts between its parts."""
    return FRAME.sub("", text)


@pytest.fixture
def folder(tmp_path):
    """Photos of two classes below a folder, all of that name."""
    for shade, label in enumerate((TEXT, "oak")):
        place = tmp_path / TEXT / label
        place.mkdir(parents=True)
        for at in range(2):
            Image.new("RGB", (28, 28), (90 * at, 90 * shade, 7)).save(place / f"{at}{TEXT}.png")
    return tmp_path / TEXT


@AT_ANY_WIDTH
def test_data_list_has_each_address_whole(printed):
    said = printed(main, ["data", "list"])
    for published in PUBLISHED.values():
        assert f" {published.page}\n" in said
        assert f" {published.licence}\n" in said
        for word in (published.key, f"{published.test:,}"):
            assert set(word) <= set(said)
    assert "…" not in said


def test_data_show(printed, folder):
    said = printed(main, ["data", "show", str(folder)])
    assert f"{TEXT}/0{TEXT}.png" in said
    assert f"data set {TEXT!r}" in said


def test_data_check_of_a_folder(printed, folder):
    (folder / TEXT / f"9{TEXT}.png").write_bytes(b"none")
    said = printed(main, ["data", "check", str(folder), "--read"])
    assert f"{folder}/{TEXT}/9{TEXT}.png" in said


@AT_ANY_WIDTH
def test_data_check_of_a_benchmark(printed, tmp_path):
    root = build("cub", tmp_path / TEXT)
    assert f"CUB-200-2011 in {root}\n" in printed(
        main, ["data", "check", "cub", "--root", str(root)]
    )
    gone = tmp_path / TEXT / "gone"
    said = printed(main, ["data", "check", "cub", "--root", str(gone)])
    assert f"error: {gone}: no such folder" in said


def test_data_splits(printed, tmp_path):
    out, given = tmp_path / f"{TEXT}.csv", tmp_path / f"{TEXT}.json"
    given.write_text(json.dumps(coop("oxford_pets")))
    words = ["data", "splits", "oxford_pets", "--from", str(given), "--out", str(out)]
    assert f"wrote {out}: " in printed(main, words)


def test_judge_ask(printed):
    said = printed(main, ["judge", "ask", MARKED, "oak"])
    assert f"unjudged: taxonomy: unknown truth '{MARKED}'" in said.replace("\\\\", "\\")
    said = printed(main, ["judge", "ask", "oak", "oak", "--config", f"/{TEXT}.yaml"])
    assert f"/{TEXT}.yaml" in said


@AT_ANY_WIDTH
def test_judge_audit(printed, tmp_path):
    file = tmp_path / f"{TEXT}.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(
            [["truth", "prediction", "category", "dataset"], [MARKED, MARKED, "wrong", SHORT]]
        )
    said = printed(main, ["judge", "audit", "--pairs", str(file), "--out", str(tmp_path / TEXT)])
    assert squeezed(TEXT)[:60] in squeezed(said)
    assert all(word in squeezed(said) for word in SHORT.split())
    assert f"wrote {tmp_path / TEXT}/audit.html\n" in said


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [made.write_run(folder / name, images=2) for name in ("a", "b")]


@AT_ANY_WIDTH
def test_report(printed, runs, tmp_path):
    out = tmp_path / f"{TEXT}.html"
    words = ["report", *map(str, runs), "--names", f"{SHORT},b", "--out", str(out)]
    said = printed(main, [*words, "--gallery", "0"])
    assert f"wrote {out}\n" in said
    assert all(word in squeezed(said) for word in SHORT.split())


def test_doctor(printed, monkeypatch):
    bad = {"peft": f"ImportError: {TEXT}"}
    monkeypatch.setattr(doctor, "_import_error", bad.get)
    monkeypatch.setattr(doctor, "_version", lambda name: TEXT)
    monkeypatch.setattr("speciarl_pl.world.base_path", lambda: f"/{TEXT}/base")
    said = printed(main, ["doctor"])
    assert f"NO    {TEXT}  ImportError: {TEXT}\n" in said
    assert f"yes   /{TEXT}/base\n" in said


def test_predict(printed, tmp_path):
    photo = PhotoPrediction(TEXT, TEXT, TEXT, False, 1.0, [(TEXT, 1)], "", "")
    said = printed(predictions._print, tmp_path / TEXT, [photo], [f"left out {TEXT}"])
    assert f"left out {TEXT}\n" in said
    assert f"{tmp_path / TEXT}/predictions.html\n" in said


@AT_ANY_WIDTH
def test_validate_and_fit(printed):

    summary = {**summarize(torch.tensor([1, 0, 2, 0, 3, 1, 2, 1])), "cut": 1}
    trainer = SimpleNamespace(
        datamodule=factory.data_module(val_groups={MARKED: None}), default_root_dir=f"runs/{TEXT}"
    )
    said = printed(results._print, trainer, {MARKED: {MARKED: summary}})
    assert f"Run directory: runs/{TEXT}\n" in said
    assert squeezed(MARKED) in squeezed(said)
    assert "…" not in said


def test_errors_of_arguments(printed):
    said = printed(main, ["data", "list", f"--{TEXT}"])
    assert f"unrecognized arguments: --{TEXT}\n" in said
    assert repr(f"[/red]{TEXT}") in printed(main, [f"[/red]{TEXT}"])
