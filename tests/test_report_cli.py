"""`python -m speciarl_pl report ...`, in this process."""

import re

import pytest
from report import report_runs as made

from speciarl_pl.__main__ import main
from speciarl_pl.commands.report import main as report_cli


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return [str(made.write_run(tmp_path / name, images=6, seed=name)) for name in ("one", "two")]


def test_one_run(runs, tmp_path, capsys):
    assert main(["report", runs[0]]) == 0
    said = capsys.readouterr().out
    assert said.endswith(f"wrote {tmp_path}/one/report.html\n")
    assert (tmp_path / "one" / "report.html").read_text().startswith("<!doctype html>")
    assert "McNemar" in said
    assert "not measured here" in said
    assert re.search(r"SpeciaRL +0\.920 +0\.848 +0\.883", said)


def test_several_runs_with_names(runs, tmp_path, capsys):
    assert report_cli([*runs, "--names", "old, new", "--gallery", "3"]) == 0
    said = capsys.readouterr().out
    assert "old -> new" in said
    page = (tmp_path / "report.html").read_text()
    assert "Report: old, new" in page
    assert page.count('<article class="card"') == 3


@pytest.mark.slow
def test_out_and_images_of_one_run_only(runs, tmp_path, capsys):
    made.write_run(tmp_path / "more", images=9)
    assert report_cli([runs[0], str(tmp_path / "more"), "--out", "x/page.html"]) == 0
    assert (tmp_path / "x" / "page.html").exists()
    assert "0 only of the first, 3 only of the second" in " ".join(capsys.readouterr().out.split())


def test_a_results_file_alone(runs, tmp_path, capsys):
    assert report_cli([f"{runs[0]}/results.json"]) == 0
    assert capsys.readouterr().out.endswith("wrote report.html\n")
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "runs"),
        (["nowhere"], 1, "nowhere: no such run; expected a run directory"),
        (["one", "--names", "a,b"], 2, "names: expected 1 different names"),
        (["one", "one"], 1, "named twice"),
        (["one", "--gallery", "-1"], 2, "gallery: expected an int >= 0, got -1"),
        (["one", "--galery", "1"], 2, "galery"),
        (["one", "--out", "one"], 1, "one: cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_arguments_are_said_in_a_line(runs, arguments, code, said, capsys):
    assert report_cli(arguments) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert "Traceback" not in error
