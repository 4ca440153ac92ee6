"""The command line, from arguments to the files of a run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import lightning as L
import pytest
from runs import Commands

from speciarl_pl.commands.cli import SpeciaRLCLI, main

CONFIGS = Path(__file__).parents[1] / "configs"

FILES = {
    ".lock",
    "config.yaml",
    "metrics.csv",
    "rollouts.parquet",
    "checkpoints",
    "adapter",
    "tensorboard",
    "results.base.json",
    "results.json",
    "report.html",
    "run.json",
    "thumbnails.parquet",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds `run`, a `fit` that also validated the base; all runs of this module go beside it."""
    folder = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        code = Commands(folder, patch)("fit", "run", "--trainer.num_sanity_val_steps=-1")
    assert code == 0
    return folder


@pytest.fixture
def again(folder, monkeypatch):
    return Commands(folder, monkeypatch)


@pytest.fixture
def no_arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["speciarl_pl"])


def datasets(run, name="results.json"):
    content = json.loads((run / name).read_text(encoding="utf-8"))
    assert content["schema"] == 1
    return content["datasets"]


def adapter(run):
    return (run / "adapter" / "adapter_model.safetensors").read_bytes()


def printed_by_exit(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert not stop.value.code
    return capsys.readouterr().out


@pytest.mark.slow
def test_fit_leaves_exactly_the_files_of_a_run(folder):
    assert {path.name for path in (folder / "run").iterdir()} == FILES
    assert not list((folder / "run").rglob("*.part"))


@pytest.mark.slow
def test_fit_counts_every_image_of_base_and_trained_model(folder):
    for name in ("results.base.json", "results.json"):
        counts = {
            key: sum(d["counts"].values()) for key, d in datasets(folder / "run", name).items()
        }
        assert counts == {"seen": 3, "unseen": 2}


@pytest.mark.slow
def test_fit_without_sanity_check_prints_table_and_writes_no_base(commands, capsys):
    assert commands("fit", "run", "--trainer.limit_train_batches=1") == 0
    out = capsys.readouterr().out
    for text in ("trained", "specificity", "correctness", "hm", "seen", "unseen"):
        assert text in out
    assert f"Run directory: {commands.folder / 'run'}" in out
    assert {path.name for path in (commands.folder / "run").iterdir()} == FILES - {
        "results.base.json"
    }


@pytest.mark.slow
def test_validate_gives_the_same_by_adapter_checkpoint_and_fit(folder, again):
    run = folder / "run"
    assert again("validate", "by_adapter", f"--model.adapter={run / 'adapter'}") == 0
    assert again("validate", "by_ckpt", f"--ckpt_path={run / 'checkpoints' / 'last.ckpt'}") == 0
    by_adapter, by_ckpt = datasets(folder / "by_adapter"), datasets(folder / "by_ckpt")
    assert by_adapter == by_ckpt
    for name, found in datasets(run).items():
        assert found.items() <= by_adapter[name].items(), "validate adds the older protocol"


@pytest.mark.slow
def test_shipped_eval_config_takes_the_adapter(folder, again):
    config = CONFIGS / "eval" / "world.yaml"
    small = ("--trainer.limit_val_batches=1", "--data.val_batch_size=2")
    adapter = f"--model.adapter={folder / 'run' / 'adapter'}"
    assert again("validate", "shipped", adapter, *small, config=config) == 0
    results = datasets(folder / "shipped")
    assert [sum(d["counts"].values()) for d in results.values()] == [2, 0]


@pytest.mark.slow
def test_run_repeats_from_its_own_config(folder, again):
    assert again("fit", "again", config=folder / "run" / "config.yaml") == 0
    assert adapter(folder / "again") == adapter(folder / "run")
    assert not re.search(r"[/ ]run\b", (folder / "again" / "config.yaml").read_text())


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--model.micro_batch_group=1", "micro_batch_group"),
        ("--data.bath_size=1", "bath_size"),
        ("--rollout.init_args.groupsize=4", "groupsize"),
        ("--trainer.max_epoch=1", "max_epoch"),
    ],
)
def test_misspelt_option_is_named(commands, capsys, option, name):
    assert commands("fit", "run", option) == 2
    error = capsys.readouterr().err
    assert name in error
    assert "Traceback" not in error
    assert not (commands.folder / "run").exists()


def test_misspelt_key_in_a_file_is_named(commands, capsys):
    text = commands.config.read_text().replace("batch_size", "bach_size")
    commands.config.write_text(text)
    assert commands("fit", "run") == 2
    assert "bach_size" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["fit", "validate"])
@pytest.mark.usefixtures("no_arguments")
def test_help_lists_options_with_their_docstrings(capsys, name):
    text = " ".join(printed_by_exit(capsys, name, "--help").split())
    for option, docstring in {
        "--run_dir": "Where the files of the run go",
        "--model.micro_batch_groups": "Groups that go through the policy at once",
        "--data.on_error": "leaves out an image that cannot be read",
        "--rollout": "rollout",
        "--trainer.max_epochs": "Stop training once this number of epochs is reached",
    }.items():
        assert option in text
        assert docstring in text


@pytest.mark.usefixtures("no_arguments")
def test_help_lists_what_lightning_runs(capsys):
    text = printed_by_exit(capsys, "--help")
    for name in ("fit", "validate", "predict"):
        assert re.search(rf"\b{name}\b", text)


@pytest.mark.usefixtures("no_arguments")
def test_missing_subcommand_is_said(capsys):
    assert main([]) == 2
    error = capsys.readouterr().err
    assert "fit" in error
    assert "validate" in error


@pytest.mark.usefixtures("no_arguments")
def test_print_config_writes_full_paths(capsys):
    text = printed_by_exit(
        capsys,
        "fit",
        "--data.train=WorldImages",
        "--data.judge=ExactJudge",
        "--rollout=HFRolloutCallback",
        "--print_config",
    )
    assert "class_path: speciarl_pl.WorldImages" in text
    assert "class_path: speciarl_pl.ExactJudge" in text
    assert "class_path: speciarl_pl.HFRolloutCallback" in text


@pytest.mark.slow
def test_as_a_process_it_says_what_is_wrong_in_a_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "speciarl_pl", "fit", "--model.bass=world"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "bass" in done.stderr
    assert len(done.stderr.splitlines()) <= 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("given", "read"), [("1", 1), ("1.0", 1.0), ("0.5", 0.5)])
def test_one_batch_is_not_all_batches(commands, monkeypatch, given, read):
    """Whatever annotations other packages have left in the cache of `typing`."""
    annotations = L.Trainer.__init__.__annotations__
    monkeypatch.setitem(annotations, "limit_val_batches", float | int | None)
    built = []
    monkeypatch.setattr(SpeciaRLCLI, "_run_subcommand", lambda cli, _: built.append(cli))
    assert commands("validate", "run", f"--trainer.limit_val_batches={given}") == 0
    found = built[0].trainer.limit_val_batches
    assert (found, type(found)) == (read, type(read))
