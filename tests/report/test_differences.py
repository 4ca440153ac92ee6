"""What ran, and in what runs differ."""

import inspect
import json
from dataclasses import replace

import pytest
import yaml

from speciarl_pl.callbacks import RolloutCallback, Sampling
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.report import read_runs, stages_of
from speciarl_pl.report.console import console_report
from speciarl_pl.report.differences import differences
from speciarl_pl.report.facts import facts, prediction_facts
from speciarl_pl.report.page import html_report
from speciarl_pl.run.config_yaml import ABOUT
from speciarl_pl.run.record import Session, write_record
from speciarl_pl.system.terminal import console

from . import report_runs as made

SET = {"class_path": "a.Birds", "init_args": {"root": "/birds", "split": "test", "limit": None}}
CONFIG = {
    "seed_everything": 3,
    "model": {
        "base": "Qwen/VL-7B",
        "dtype": "bfloat16",
        "lora": {"r": 16},
        "adapter": None,
        "loss": {"kl_coefficient": 0.02},
        "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.001}},
    },
    "data": {
        "prompt": "general",
        "batch_size": 8,
        "train": {"class_path": "a.Birds", "init_args": {"root": "/birds", "split": "train"}},
        "val": [SET],
        "judge": {"class_path": "b.LLMJudge", "init_args": {"model": "judge-30B", "retries": 4}},
    },
    "rollout": {
        "class_path": "c.HFRolloutCallback",
        "init_args": {
            "group_size": 10,
            "sampling": {"temperature": 1.0, "max_new_tokens": 64},
            "val_group_size": 4,
            "val_sampling": None,
        },
    },
    "run_dir": "here",
    "trainer": {"max_epochs": 2, "logger": None},
}
HERE = {"cpu": "a CPU, 8 cores", "gpu": "2 x H100", "python": "3.12"}
VERSIONS = {"torch": "2.13", "vllm": "0.32"}
FIT = Session("fit", "2026-01-31T12:00:00+00:00", 200.0, True, 2, HERE, VERSIONS, None, "What?")


def changed(path, value, config=CONFIG):
    """A configuration in which the value at a path is another."""
    first, _, rest = path.partition(".")
    if isinstance(config, list):  # of each
        return [changed(path, value, one) for one in config]
    return {**config, first: changed(rest, value, config.get(first)) if rest else value}


@pytest.fixture
def run(tmp_path):
    def run(name, config=CONFIG, sessions=(FIT,), base=True):
        folder = made.write_run(tmp_path / name, images=4, base=base, pictures=False, curves=False)
        (folder / "config.yaml").unlink()
        if config is not None:
            (folder / "config.yaml").write_text(yaml.safe_dump(config))
        if sessions:
            write_record(folder, sessions)
        return folder

    return run


def test_what_ran(run):
    folder = run("one")
    path = folder / "results.json"
    steps = {"step": 40, "last_step": 50}
    path.write_text(json.dumps({**json.loads(path.read_text()), **steps}))
    (found,) = read_runs([folder])
    assert facts(found) == {
        "base": "Qwen/VL-7B, computes in bfloat16",
        "adapter": "LoRA (r 16), trained here",
        "prompt": "general",
        "judge": "LLMJudge (model judge-30B, retries 4)",
        "verdicts from": "taxonomy (8)",
        "trained on": "Birds (root /birds, split train)",
        "training": "50 steps, validated after 40, 8 images a step on each of 2 processes, "
        "10 rollouts each, AdamW at lr 0.001, KL 0.02",
        "validated on": "Birds (root /birds, split test)",
        "answers": "4 an image, temperature 0, at most 64 tokens, drawn by HFRolloutCallback",
        "seed": "3",
        "prompt text": "What?",
        "command": "fit",
        "started": "2026-01-31 12:00 +0000",
        "wall time": "3 min 20 s",
        "machine": "2 x H100, a CPU, 8 cores, 2 processes, Python 3.12",
        "versions": "torch 2.13, vllm 0.32",
    }


@pytest.mark.parametrize(
    ("adapter", "checkpoint", "said"),
    [
        (None, None, "none: the base as it is"),
        ("run/adapter", None, "run/adapter"),
        (None, "run/last.ckpt", "run/last.ckpt"),
    ],
)
def test_which_adapter_was_validated(run, adapter, checkpoint, said):
    session = replace(FIT, command="validate", checkpoint=checkpoint)
    (found,) = read_runs([run("one", changed("model.adapter", adapter), [session], base=False)])
    assert facts(found)["adapter"] == said
    assert "training" not in facts(found)


def test_sittings_and_what_was_cut_short(run):
    (found,) = read_runs([run("one", sessions=[replace(FIT, finished=False), FIT])])
    wanted = "6 min 40 s in 2 sittings, as far as noted before a stop"
    assert facts(found)["wall time"] == wanted


def test_an_older_run_has_what_its_files_say(run):
    (found,) = read_runs([run("one", None, ())])
    assert "no config.yaml" in facts(found)["settings"]
    (broken,) = read_runs([run("two", "a: [", ())])
    assert "no config.yaml" in facts(broken)["settings"]


def test_what_a_prediction_is_headed_by(run):
    folder = run("one", changed("data.images", "photos"), [replace(FIT, command="predict")])
    found = prediction_facts(folder)
    assert found["base"] == "Qwen/VL-7B, computes in bfloat16"
    assert (found["prompt"], found["prompt text"], found["photos"]) == (
        "general",
        "What?",
        "photos",
    )
    assert "judge" not in found


FAIR = {
    "judge": ("data.judge", {"class_path": "b.ExactJudge"}, "other judges"),
    "judge's model": ("data.judge.init_args.model", "small", "other judges"),
    "prompt": ("data.prompt", "brief", "other prompts"),
    "samples": ("rollout.init_args.val_group_size", 1, "samples per image"),
    "tokens": (
        "rollout.init_args.val_sampling",
        {"temperature": 0.0, "max_new_tokens": 99},
        "longest answer",
    ),
    "temperature": (
        "rollout.init_args.val_sampling",
        {"temperature": 1.0, "max_new_tokens": 64},
        "sampling",
    ),
    "data": ("data.val.init_args.limit", 10, "other data"),
    "pictures": ("model.max_pixels", 3136, "picture size"),
}


@pytest.mark.parametrize(("path", "value", "said"), FAIR.values(), ids=FAIR)
def test_what_is_not_alike_is_warned_of(run, path, value, said):
    runs = read_runs([run("one"), run("two", changed(path, value))])
    found = differences(runs)
    (warning,) = found.warnings
    assert warning.startswith(f"Not like for like: {said} (one: ")
    stages = stages_of(runs)
    assert [stage.name for stage in stages] == ["one: base", "two: base", "one", "two"]
    assert found.cautions(stages[0], stages[2]) == [], "base and trained of one run"
    assert len(found.cautions(stages[2], stages[3])) == 1


def test_the_warning_stands_above_and_in_the_comparison_in_page_and_terminal(run, capsys):
    runs = read_runs([run("one"), run("two", changed("data.judge.init_args.model", "small"))])
    html = html_report(runs, 0)
    assert html.index("Not like for like") < html.index('id="numbers"')
    table = html[html.index('id="comparison"') :]
    assert table.index("Not like for like") < table.index("<table>")
    assert table.count("⚠ not like for like: ") == 2, "a data set each, of the pair of runs alone"
    console(width=160).print(console_report(runs))
    printed = capsys.readouterr().out
    assert "WARNING: Not like for like: other judges" in printed
    assert printed.count("WARNING: not like for like") == 2


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        ("model.base", "Qwen/VL-3B", "model.base"),
        ("seed_everything", 4, "seed_everything"),
        ("model.optimizer.init_args.lr", 0.1, "model.optimizer.init_args.lr"),
        ("data.judge.init_args.retries", 9, "data.judge.init_args.retries"),
    ],
)
def test_what_may_differ_is_listed_without_a_warning(run, path, value, name):
    found = differences(read_runs([run("one"), run("two", changed(path, value))]))
    assert list(found.values) == [name]
    assert found.values[name]["two"] == str(value)
    assert found.warnings == []


def test_where_files_go_is_not_listed_and_null_is_as_good_as_absent(run):
    other = changed("run_dir", "there")
    other = changed("trainer.logger", {"class_path": "x.Logger"}, other)
    other = changed("model.new_option", None, other)
    other["data"] = {
        **other["data"],
        "judge": {**CONFIG["data"]["judge"], "class_path": "LLMJudge"},
    }
    runs = read_runs([run("one"), run("two", other)])
    assert differences(runs).values == {}
    assert "None that is known." in html_report(runs, 0)
    assert [stage.name for stage in stages_of(runs)] == ["base", "one", "two"]


def test_an_edited_prompt_of_the_same_name_is_another(run):
    runs = read_runs([run("one"), run("two", sessions=[replace(FIT, prompt="Which is it?")])])
    assert differences(runs).warnings[0].startswith("Not like for like: other prompts")


def test_a_data_set_that_only_one_has_is_no_reason_to_warn(run):
    more = [SET, {"class_path": "a.Cars", "init_args": {"root": "/cars"}}]
    found = differences(read_runs([run("one"), run("two", changed_sets(more))]))
    assert found.warnings == []
    assert "data.val.Cars.init_args.root" in found.values


def changed_sets(sets):
    return {**CONFIG, "data": {**CONFIG["data"], "val": sets}}


def test_a_run_whose_settings_are_not_known_is_warned_of(run):
    runs = read_runs([run("one"), run("two") / "results.json"], ["first", "second"])
    found = differences(runs)
    assert found.warnings == [
        "The settings of second are not known (no config.yaml that can be read): judge, prompt "
        "and data may differ from those of the others."
    ]
    first, second = [stage for stage in stages_of(runs) if not stage.is_base]
    assert found.cautions(first, second) == ["settings not known"]


OWNERS = {
    "data": OpenWorldDataModule,
    "model": SpeciaRLModule,
    "rollout.init_args": RolloutCallback,
    "rollout.init_args.val_sampling": Sampling,
}


def test_every_setting_that_has_to_be_alike_is_an_argument():
    """So that a renamed one does not go unnoticed."""
    names = {name for part in ABOUT.values() for name in part} - {"prompt text"}
    for name in names:
        owner, _, argument = name.rpartition(".")
        assert argument in inspect.signature(OWNERS[owner]).parameters, name
