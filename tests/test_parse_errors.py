"""A misspelt name is told the nearest one, in a line; a fault in a file is told its line."""

import sys

import pytest

from speciarl_pl.commands.cli import main


@pytest.fixture
def refused(tmp_path, capsys, monkeypatch):
    """The line that `fit` ends with; nothing may be left of a run."""
    monkeypatch.setattr(sys, "argv", ["speciarl_pl"])

    def run(*words, code=2):
        assert main(["fit", *words, "--run_dir", str(tmp_path / "run")]) == code
        lines = capsys.readouterr().err.splitlines()
        errors = [line for line in lines if line != "--help lists all options"]
        assert [line for line in errors if line.startswith(" ")] == [], "one line"
        assert errors[-1].startswith("error: ")
        assert not list((tmp_path / "run").glob("*")) or code == 1
        return errors[-1].removeprefix("error: ")

    return run


@pytest.mark.parametrize(
    ("words", "near"),
    [
        ("--model.lora.rr=3", "--model.lora.r"),
        ("--data.bath_size=1", "--data.batch_size"),
        ("--trainer.max_epoch 1", "--trainer.max_epochs"),
        ("--data.vall x", "--data.val"),
        ("--data.train ImgaeTable", "ImageTable"),
        ("--data.val ImageFoldr", "ImageFolder"),
        ("--rollout HFRolloutCalback", "HFRolloutCallback"),
        ("--model.reward bestofgroupreward", "BestOfGroupReward"),
        ("--data.judge ExctJudge", "ExactJudge"),
        ("--data.judge offlin", "offline"),
        ("--data.train ImageTable --data.train.init_args.pth x", "path"),
        ("--data.train FGVCAircraft --data.train.init_args.spilt x", "split"),
        ("--model.optimizer torch.optim.Adm", "Adam"),
        ("--config quikstart", "quickstart"),
    ],
)
def test_a_misspelt_name_is_told_the_nearest(refused, words, near):
    assert refused(*words.split()).endswith(f"; did you mean {near}?")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model:\n  lora: {r: 4\ndata: 3\n", "line 3, column 5: expected ',' or '}', but got ':'"),
        ("model: [1\n", "line 2, column 1: "),
        ("model:\n\tlora: 3\n", "line 2, column 1: found character '\\t'"),
        ("model:\n  lora: {r: 4}\n  larning: 3\n", "line 3: model.larning: there is no such"),
        ("data:\n  train:\n    class_path: ImgeFolder\n", "line 2: data.train: expected one of"),
        (
            "data:\n  train:\n    class_path: ImageFolder\n    init_args:\n      rot: x\n",
            "line 5: data.train: ImageFolder has no argument 'rot'; it takes ",
        ),
        ("data: {batch_size: x}\n", "line 1: data.batch_size: Expected a int. Got value: x"),
        ("data:\n  val: {class_path: WorldImages}\n", "line 2: data.val: expected a list of data"),
    ],
    ids=["brace", "bracket", "tab", "key", "class", "argument", "kind", "list"],
)
def test_a_fault_in_a_file_is_told_its_line(refused, tmp_path, text, said):
    file = tmp_path / "[red]mine.yaml"
    file.write_text(text)
    assert f"{file}, {said}" in refused("--config", str(file))


def test_what_a_class_needs_is_said(refused):
    assert refused("--data.train", "ImageFolder") == "data.train: ImageFolder needs root"


def test_one_data_set_is_a_list_of_one(refused):
    words = ("--data.val", "ImageFolder", "--data.val.init_args.root", "/no/val")
    train = ("--data.train", "ImageFolder", "--data.train.init_args.root", "/no/train")
    cpu = ("--trainer.accelerator", "cpu", "--trainer.max_epochs", "1")
    assert refused(*train, *words, *cpu, code=1).startswith("/no/train: no such folder")
    assert refused("--data.train", "WorldImages", *words, *cpu, code=1).startswith("/no/val: no su")


@pytest.mark.parametrize("config", ["cub_qlora_1gpu", "cub_lora"])
def test_a_wrong_root_is_said_before_a_missing_gpu(refused, monkeypatch, config):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    root = ("--data.train.init_args.root", "/no/birds")
    words = ("--config", config, *root, "--trainer.accelerator", "gpu")
    assert refused(*words, code=1).startswith("/no/birds: no such folder; expected CUB-200-2011")


def help_of(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main(["fit", *words])
    assert not stop.value.code
    return capsys.readouterr().out


def test_own_options_come_before_those_of_lightning(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["speciarl_pl"])
    said = help_of(capsys, "--help")
    places = [
        said.index(f"\n  --{name}")
        for name in (
            *("run_dir", "gallery", "model.base", "data.train", "rollout ", "watch."),
            *("trainer.accelerator", "checkpoint.every_n_train_steps"),
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("option", "argument"),
    [
        ("--data.train.help=ImageTable", "--data.train.image_column"),
        ("--data.val.help=ImageFolder", "--data.val.root"),
        ("--data.judge.help=CachedJudge", "--data.judge.judge"),
        ("--rollout.help=VLLMRolloutCallback", "--rollout.group_size"),
        ("--model.reward.help=StaticReward", "--model.reward.weights"),
    ],
)
def test_help_of_a_class_lists_its_arguments(capsys, monkeypatch, option, argument):
    monkeypatch.setattr(sys, "argv", ["speciarl_pl"])
    assert argument in help_of(capsys, option)
