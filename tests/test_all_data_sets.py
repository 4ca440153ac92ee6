import pytest
import runs
import yaml
from jsonargparse import ArgumentParser

from speciarl_pl.commands.all_data_sets import parse_for_all
from speciarl_pl.commands.cli import main
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.data.datasets import WorldImages


@pytest.fixture
def parse(tmp_path):
    """Parses `fit` with two validation sets in its config, as the command line does."""
    config = tmp_path / "two.yaml"
    sets = [
        {"class_path": "WorldImages", "init_args": {"kinds": "train", "n": 3, "name": name}}
        for name in ("one", "two")
    ]
    config.write_text(yaml.safe_dump({"data": {"train": sets[0], "val": sets}}))
    own = ArgumentParser(exit_on_error=False)
    own.add_argument("--config", action="config")
    own.add_class_arguments(OpenWorldDataModule, "data")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subcommands().add_subcommand("fit", own)

    def parse(*words):
        config_of = parse_for_all(parser.parse_args, ["fit", f"--config={config}", *words])
        return [one.init_args for one in config_of.fit.data.val]

    assert WorldImages
    return parse


@pytest.mark.parametrize(
    "words",
    [("--data.val.init_args.n", "5"), ("--data.val.init_args.n=5",), ("--data.val.n", "5")],
    ids=["two words", "=", "short"],
)
def test_an_option_reaches_all(parse, words):
    found = parse(*words, "--data.val.init_args.include=[amber table]")
    assert [(one.name, one.n, one.include) for one in found] == [
        ("one", 5, ["amber table"]),
        ("two", 5, ["amber table"]),
    ]


def test_what_only_one_takes_is_refused(parse):
    with pytest.raises(Exception, match="roots"):
        parse("--data.val.init_args.roots=DIR")


def test_one_that_is_added_has_its_own_options(parse):
    found = parse(
        "--data.val+=WorldImages", "--data.val.init_args.n=7", "--data.val.init_args.kinds=train"
    )
    assert [one.n for one in found] == [3, 3, 7]


def test_one_data_set_is_as_ever(parse):
    one = "--data.val=[{class_path: WorldImages, init_args: {kinds: train}}]"
    assert [found.n for found in parse(one, "--data.val.init_args.n=7")] == [7]


def test_what_is_printed_is_what_is_run(tmp_path, monkeypatch, capsys):
    config = tmp_path / "tiny.yaml"
    config.write_text(runs.CONFIG)
    words = ["fit", f"--config={config}", "--data.val.init_args.n=7", "--print_config"]
    monkeypatch.setattr("sys.argv", ["speciarl_pl", *words])
    with pytest.raises(SystemExit):
        main(words)
    printed = yaml.safe_load(capsys.readouterr().out)
    assert [one["init_args"]["n"] for one in printed["data"]["val"]] == [7, 7]
