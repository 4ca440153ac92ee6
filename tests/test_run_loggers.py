"""A user's loggers beside those of the run; tests/test_logged_tables.py has their tables."""

from pathlib import Path

import pytest
import yaml
from jsonargparse import Namespace
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from recording import Recorder

from speciarl_pl.errors import RunError
from speciarl_pl.run import loggers
from speciarl_pl.run.metrics_csv import MetricsCSV


@pytest.mark.parametrize(
    ("chosen", "kinds"),
    [
        (None, [MetricsCSV, TensorBoardLogger]),
        (True, [MetricsCSV, TensorBoardLogger]),
        (False, [MetricsCSV]),
        ("one", [MetricsCSV, TensorBoardLogger, Recorder]),
        ("two", [MetricsCSV, TensorBoardLogger, Recorder, CSVLogger]),
        ("events", [MetricsCSV, TensorBoardLogger]),
    ],
)
def test_metrics_csv_comes_first_whatever_is_chosen(tmp_path, chosen, kinds):
    given = {
        "one": Recorder(),
        "two": [Recorder(), CSVLogger(tmp_path / "csv")],
        "events": TensorBoardLogger(tmp_path / "elsewhere"),
    }.get(chosen, chosen)
    found = loggers.run_loggers(tmp_path, given)
    assert [type(one) for one in found] == kinds
    if chosen == "events":
        assert found[1] is given


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize(
    ("name", "package"), [("WandbLogger", "wandb"), ("MLFlowLogger", "mlflow")]
)
def test_a_missing_package_is_named(monkeypatch, name, package, as_list):
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    entry = Namespace(class_path=f"lightning.pytorch.loggers.{name}")
    with pytest.raises(RunError, match=f"trainer.logger: {name} needs .* pip install {package},"):
        loggers.check_packages([entry] if as_list else entry)
    loggers.check_packages(Namespace(class_path="CSVLogger"))
    loggers.check_packages(False)


def test_a_logger_that_cannot_begin_is_said_in_a_line(tmp_path):
    found = loggers.run_loggers(tmp_path, Recorder(begins=False))
    with pytest.raises(RunError) as caught:
        loggers.open_loggers(found, tmp_path)
    said = str(caught.value)
    assert said.startswith("trainer.logger: Recorder cannot begin (ConnectionError: no route to")
    assert "\n" not in said


def test_a_failure_now_and_then_is_said_once_and_costs_that_row_alone(tmp_path, capsys):
    recorder = Recorder(fails=1)
    loggers.run_loggers(tmp_path, recorder)
    for step in range(4):
        recorder.log_metrics({"reward": 1.0}, step=step)
    assert [step for step, _ in recorder.rows] == [1, 2, 3]
    (line,) = capsys.readouterr().err.splitlines()
    assert "Recorder failed, and some of what it should log is missing there (Conn" in line


def test_a_logger_that_fails_again_and_again_is_used_no_more(tmp_path, capsys):
    recorder = Recorder(fails=3)
    loggers.run_loggers(tmp_path, recorder)
    for step in range(9):
        recorder.log_metrics({"reward": 1.0}, step=step)
    assert recorder.rows == []
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "failed 3 times in a row and is used no more" in said[1]


def run_with(commands, name, *options):
    Recorder.made.clear()
    assert commands("fit", name, *options) == 0
    return commands.folder / name, Recorder.made


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A fit with a logger of one's own: its directory, the logger."""
    import runs

    with pytest.MonkeyPatch.context() as patch:
        commands = runs.Commands(tmp_path_factory.mktemp("logged"), patch)
        options = ("--trainer.logger=recording.Recorder", "--tables.every_n_steps=2")
        judge = "--data.judge.init_args.taxonomy=world"
        run, (recorder,) = run_with(commands, "run", *options, judge)
    return run, recorder


def test_the_files_of_the_run_are_there_beside_a_logger(shared):
    run, _ = shared
    left = {path.name for path in run.iterdir()}
    assert {"config.yaml", "metrics.csv", "tensorboard", "report.html", "adapter"} <= left


def test_a_logger_gets_what_metrics_csv_gets(shared):
    run, recorder = shared
    lines = (run / "metrics.csv").read_text().splitlines()
    assert len(lines) == 1 + 4
    steps = [step for step, metrics in recorder.rows if "reward" in metrics]
    assert steps == [0, 1, 2, 3]
    assert any("val/macro/hm" in metrics for _, metrics in recorder.rows)
    assert recorder.statuses == ["success"]


def test_a_logger_gets_the_configuration(shared):
    run, recorder = shared
    (params,) = recorder.params
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert params == config


def test_a_logger_gets_tables_of_rollouts(shared):
    _, recorder = shared
    assert [(key, step) for key, _, _, step in recorder.tables] == [
        ("train/rollouts", 0),
        ("train/rollouts", 2),
        ("val/seen/rollouts", 4),
        ("val/unseen/rollouts", 4),
    ]
    columns, data = recorder.tables[0][1:3]
    assert len(data) == 2 * 2, "two images with two rollouts each"
    first = dict(zip(columns, data[0], strict=True))
    assert max(first["image"].size) <= 128
    assert (first["verdict"], first["answer"]) == ("unparsed", None)
    assert 0 <= first["reward"] <= 1
    assert [len(table[2]) for table in recorder.tables[2:]] == [3, 2]
    assert {row[columns.index("reward")] for row in recorder.tables[2][2]} == {None}


def test_secrets_do_not_go_to_a_logger(tmp_path):
    recorder = Recorder()
    from speciarl_pl.callbacks import RunConfig

    class Parser:
        def dump(self, config, skip_none):
            return yaml.safe_dump(config)

    config = {"data": {"judge": {"api_key": "abc", "model": "m"}}}
    writer = RunConfig(Parser(), config)
    loggers.run_loggers(tmp_path, recorder)
    writer.save_config(Namespace(loggers=[recorder]), None, "fit")
    assert recorder.params == [{"data": {"judge": {"api_key": "(hidden)", "model": "m"}}}]


def test_a_logger_that_cannot_be_built_is_said_in_a_line(commands, capsys):
    option = '--trainer.logger=[{"class_path": "recording.Unbuilt"}]'
    assert commands("fit", "run", option) == 1
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error")]
    assert "trainer.logger: cannot be built (the store is in maintenance); mend" in line


def test_no_logger_leaves_metrics_csv_and_no_events(commands):
    run, _ = run_with(commands, "run", "--trainer.logger=false", "--trainer.limit_val_batches=0")
    left = {path.name for path in run.iterdir()}
    assert {"config.yaml", "metrics.csv"} <= left
    assert "tensorboard" not in left


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the package's own affair
def test_real_wandb_offline(commands, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = commands.folder / "w"
    options = ("--trainer.logger=WandbLogger", f"--trainer.logger.save_dir={folder}")
    run, _ = run_with(commands, "run", *options)
    assert (run / "metrics.csv").exists()
    tables = {path.parent.name for path in folder.rglob("*.table.json")}
    assert tables == {"train", "seen", "unseen"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_real_mlflow_in_a_file(commands):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    store = f"sqlite:///{commands.folder}/mlflow.db"
    options = (
        "--trainer.logger=MLFlowLogger",
        f"--trainer.logger.tracking_uri={store}",
        f"--trainer.logger.artifact_location={Path(commands.folder, 'artifacts')}",
    )
    run_with(commands, "run", *options)
    client = mlflow.MlflowClient(store)
    (experiment,) = [e for e in client.search_experiments() if e.name == "lightning_logs"]
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "FINISHED"
    assert "reward" in found.data.metrics
    names = {path.name for path in Path(commands.folder, "artifacts").rglob("*.json")}
    assert {"step_000000.json", "step_000004.json"} <= names
