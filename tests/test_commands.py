"""The front door: which commands there are."""

import re

import pytest

from speciarl_pl import __version__
from speciarl_pl.__main__ import main
from speciarl_pl.commands import cli
from speciarl_pl.commands import data as data_cli
from speciarl_pl.commands import judge as judge_cli
from speciarl_pl.commands.front_door import COMMANDS


def test_help_has_a_line_for_each_command(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for name in (*cli._SUBCOMMANDS, "report", "judge", "data", "doctor"):
        assert re.search(rf"^  {name} +\w.{{20,}}$", said, re.MULTILINE), name
    assert set(COMMANDS) == {*cli._SUBCOMMANDS, "report", "judge", "data", "doctor"}
    assert max(map(len, said.splitlines())) <= 100


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"speciarl_pl {__version__}\n"


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["fti"], "fit"),
        (["valdiate", "--config", "x"], "validate"),
        (["reports"], "report"),
        (["Doctor"], "doctor"),
        (["data", "lst"], "list"),
        (["judge", "aks"], "ask"),
    ],
    ids=" ".join,
)
def test_a_misspelt_command_is_told_the_nearest(words, near, capsys):
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.endswith(f"did you mean {near}?\n")
    assert len(said.splitlines()) == 1


def test_no_command_is_told_which_there_are(capsys):
    assert main([]) == 2
    said = capsys.readouterr().err
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("kind", [data_cli, judge_cli])
def test_commands_of_a_command_have_a_line_each(kind, capsys):
    with pytest.raises(SystemExit):
        kind.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    for name, command in kind._COMMANDS.items():
        assert f"{name} {command.add.__doc__}" in said
