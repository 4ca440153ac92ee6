"""`python -m speciarl_pl judge ...`, in this process; serving is tested in tests/judge."""

import json
from pathlib import Path

import pytest

from speciarl_pl.__main__ import main
from speciarl_pl.commands.judge import main as judge_cli

LABELLED = str(Path(__file__).parent / "judge" / "labelled_pairs.csv")
OFFLINE = str(Path(__file__).parents[1] / "configs" / "judge" / "offline.yaml")


@pytest.mark.parametrize(
    ("truth", "prediction", "said"),
    [
        ("Samoyed", "a dog", "generic: right, but much broader than the truth"),
        ("Black footed Albatross", "Phoebastria nigripes", "specific: the same thing"),
        ("F/A-18", "F-16 or F-18", "wrong: false"),
        ("Samoyed", "I don't know", "abstain: declines"),
    ],
)
@pytest.mark.parametrize("config", [[], ["--config", OFFLINE]], ids=["default", "config"])
def test_ask(truth, prediction, said, config, capsys):
    assert main(["judge", "ask", truth, prediction, *config]) == 0
    assert capsys.readouterr().out.startswith(said)


def test_ask_for_a_data_set(capsys):
    pair = ["ask", "lotus", "Lotus Elise", "--dataset"]
    assert [judge_cli([*pair, name]) for name in ("flowers102", "my photos")] == [1, 1]
    assert capsys.readouterr().out == (
        "unjudged: taxonomy: unknown prediction 'Lotus Elise'\n"
        "unjudged: taxonomy: no tree here is for data set 'my photos'; name one by `datasets`\n"
    )


def test_ask_about_something_that_no_stage_knows(capsys):
    assert judge_cli(["ask", "teapot", "kettle"]) == 1
    assert capsys.readouterr().out == "unjudged: taxonomy: unknown truth 'teapot'\n"


def test_audit_prints_and_writes(tmp_path, capsys):
    out = tmp_path / "audit"
    assert judge_cli(["audit", "--pairs", LABELLED, "--limit", "60", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "kappa" in said
    assert "audit.html" in said
    report = json.loads((out / "audit.json").read_text())
    assert report["schema"] == 1
    assert (out / "audit.html").read_text().startswith("<!doctype html>")


def test_audit_of_two_judges(tmp_path, capsys):
    exact = tmp_path / "exact.yaml"
    exact.write_text("class_path: ExactJudge\n")
    assert judge_cli(["audit", "--pairs", LABELLED, "--limit", "40", "--against", str(exact)]) == 0
    assert str(exact)[-20:] in capsys.readouterr().out.replace("\n", "")


def test_audit_stops_at_once_if_the_judge_is_down(tmp_path, capsys):
    down = tmp_path / "down.yaml"
    down.write_text("class_path: HTTPJudge\ninit_args: {url: 'http://127.0.0.1:9'}\n")
    assert judge_cli(["audit", "--pairs", LABELLED, "--config", str(down)]) == 1
    assert "http://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "serve,ask,audit"),
        (["serve"], 2, "config"),
        (["serve", "--config", OFFLINE, "--host", "0.0.0.0"], 2, "SPECIARL_JUDGE_TOKEN"),
        (["serve", "--config", OFFLINE, "--limits.max_pairs", "0"], 2, "max_pairs: expected"),
        (["serve", "--config", OFFLINE, "--workers", "2"], 2, "--workers"),
        (["serve", "--config", "none.yaml"], 1, "none.yaml: no such file"),
        (["serve", "--conf", OFFLINE], 2, "config"),
        (["ask", "dog"], 2, "prediction"),
        (["ask", "dog", "cat", "--config", "none.yaml"], 1, "none.yaml"),
        (["audit", "--pairs", "none.csv"], 1, "none.csv"),
        (["audit", "--pairs", LABELLED, "--limit", "0"], 2, "limit: expected"),
        (["audit", "--pairs", LABELLED, "--out", LABELLED], 1, "labelled_pairs.csv"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_wrong_arguments_are_said_in_a_line(arguments, code, said, capsys, monkeypatch):
    monkeypatch.delenv("SPECIARL_JUDGE_TOKEN", raising=False)
    assert judge_cli(arguments) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert "Traceback" not in error
