"""What users import stands on the package's face, and what an older config names is found there."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from jsonargparse import ArgumentParser

import speciarl_pl
from speciarl_pl.callbacks import RolloutCallback
from speciarl_pl.class_paths import SURFACES, parse_older
from speciarl_pl.commands.cli import SpeciaRLCLI
from speciarl_pl.commands.running import Subcommand, run_subcommands
from speciarl_pl.data import ImageSource
from speciarl_pl.judge import Judge
from speciarl_pl.judge.config import load_judge
from speciarl_pl.reward import Reward

OLDER = {
    Judge: """
        judge.exact.ExactJudge judge.taxonomy.TaxonomyJudge judge.llm.LLMJudge judge.http.HTTPJudge
        judge.cascade.CascadeJudge judge.cache.CachedJudge judge.early.EarlyJudge
        judge.patient.PatientJudge judge.ExactJudge judge.TaxonomyJudge judge.base.Judge
    """,
    ImageSource: """
        data.datasets.folder.ImageFolder data.datasets.table.ImageTable
        data.datasets.hub_images.HubImages data.datasets.mixed.MixedImages
        data.datasets.photos.PhotoFolder data.datasets.photo_list.PhotoFolder
        data.datasets.world.WorldImages data.datasets.cub200.CUB200
        data.datasets.fgvc_aircraft.FGVCAircraft data.datasets.flowers102.Flowers102
        data.datasets.food101.Food101 data.datasets.oxford_pets.OxfordPets
        data.datasets.stanford_cars.StanfordCars data.WorldImages data.datasets.CUB200
        data.folder.ImageFolder data.table.ImageTable
    """,
    Reward: """
        reward.base.Reward reward.best_of_group.BestOfGroupReward reward.static.StaticReward
        reward.noisy.NoisyVerdicts reward.BestOfGroupReward
    """,
    RolloutCallback: """
        callbacks.hf_rollout.HFRolloutCallback callbacks.vllm_rollout.VLLMRolloutCallback
        callbacks.vllm_server_rollout.VLLMServerRolloutCallback callbacks.HFRolloutCallback
        callbacks.rollout.RolloutCallback
    """,
    object: """
        callbacks.adapter_export.AdapterExport callbacks.predictions.PredictionWriter
        callbacks.report.ReportWriter callbacks.results.ResultsWriter
        callbacks.rollout_log.RolloutLog callbacks.run_config.RunConfig
        callbacks.skipped.SkippedReport callbacks.thumbnails.Thumbnails
        callbacks.stop_checkpoint.StopCheckpoint callbacks.run_watch.RunWatch
        callbacks.progress_lines.ProgressLines callbacks.rollout_tables.RolloutTables
        callbacks.policy_summary.PolicySummary callbacks.seeding.Sampling
        module.SpeciaRLModule data.module.OpenWorldDataModule grpo.loss.GRPOLoss
        policy.spec.LoraSpec protocol.older.OlderProtocol protocol.OlderProtocol
        metrics_csv.MetricsCSV checkpoint_io.WholeCheckpointIO metrics.specificity.Specificity
        metrics.correctness.Correctness metrics.base.HarmonicMean
    """,
}
"""Class paths of earlier versions, without `speciarl_pl.`, by what a config takes them for."""

RUN = """
seed_everything: 0
run_dir: null
rollout:
  class_path: speciarl_pl.callbacks.hf_rollout.HFRolloutCallback
  init_args: {group_size: 4}
model:
  base: world
  reward:
    class_path: speciarl_pl.reward.base.StaticReward
data:
  train:
    class_path: speciarl_pl.data.mixed.MixedImages
    init_args:
      sources:
      - {class_path: speciarl_pl.data.module.WorldImages, init_args: {n: 3}}
  val:
  - {class_path: speciarl_pl.data.somewhere.else.WorldImages, init_args: {n: 5}}
  judge:
    class_path: speciarl_pl.judge.cascade.CascadeJudge
    init_args:
      stages:
      - {class_path: speciarl_pl.judge.exact.ExactJudge}
      - {class_path: speciarl_pl.judge.taxonomy.TaxonomyJudge, init_args: {taxonomy: [cub]}}
  prompt: brief
trainer:
  max_steps: 1
  logger:
    class_path: speciarl_pl.metrics_csv.MetricsCSV
    init_args: {directory: somewhere}
"""
"""As in the `config.yaml` of a run of an earlier version."""


def paths():
    for base, listed in OLDER.items():
        for path in listed.split():
            yield pytest.param(base, f"speciarl_pl.{path}", id=path)


@pytest.mark.parametrize(("base", "path"), list(paths()))
def test_a_class_path_of_an_older_version_parses(base, path):
    name = path.rpartition(".")[2]
    wanted = next(
        getattr(found, name) for found in map(import_module, SURFACES) if name in found.__all__
    )
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--one", type=type[base])
    assert parse_older(lambda: parser.parse_args([f"--one={path}"])).one is wanted


@pytest.fixture
def parsed(monkeypatch):
    """Parse a command line; nothing is built."""
    monkeypatch.setattr(SpeciaRLCLI, "before_instantiate_classes", lambda self: None)
    monkeypatch.setattr(SpeciaRLCLI, "instantiate_classes", lambda self: None)
    monkeypatch.setattr(SpeciaRLCLI, "_run_subcommand", lambda self, name: None)

    def parse(*words):
        cli = SpeciaRLCLI(list(words))
        return cli.config[words[0]]

    return parse


def test_the_config_of_an_older_run_is_that_of_a_new_one(parsed, tmp_path):
    (tmp_path / "config.yaml").write_text(RUN)
    found = parsed("fit", "--config", str(tmp_path / "config.yaml"))
    assert found.rollout.class_path == "speciarl_pl.HFRolloutCallback"
    assert found.data.val[0].class_path == "speciarl_pl.WorldImages"
    assert [one.class_path for one in found.data.judge.init_args.stages] == [
        "speciarl_pl.ExactJudge",
        "speciarl_pl.TaxonomyJudge",
    ]
    assert found.trainer.logger.class_path == "speciarl_pl.run.MetricsCSV"


def test_a_class_path_of_an_older_version_on_the_command_line(parsed):
    found = parsed(
        "validate",
        "--data.val=[speciarl_pl.data.datasets.photo_list.PhotoFolder]",
        "--data.val.root=x",
        "--data.judge=speciarl_pl.judge.http.HTTPJudge",
        "--data.judge.url=http://localhost:1",
        "--rollout",
        "speciarl_pl.callbacks.somewhere.HFRolloutCallback",
    )
    assert found.data.judge.class_path == "speciarl_pl.HTTPJudge"
    assert found.data.val[0].class_path == "speciarl_pl.data.PhotoFolder"


def test_the_judge_of_an_older_file(tmp_path):
    judge = yaml.safe_load(RUN)["data"]["judge"]
    (tmp_path / "judge.yaml").write_text(yaml.safe_dump(judge))
    inner = load_judge(tmp_path / "judge.yaml").stages
    assert [type(one).__name__ for one in inner] == ["ExactJudge", "TaxonomyJudge"]


def test_a_command_of_its_own_takes_them_too(capsys):
    def add(parser):
        """Add."""
        parser.add_argument("--judge", type=Judge)

    command = Subcommand(add, lambda options: print(options.judge.class_path) or 0)
    words = ["one", "--judge", "speciarl_pl.judge.exact.ExactJudge"]
    assert run_subcommands("p", None, {"one": command}, words) == 0
    assert capsys.readouterr().out == "speciarl_pl.ExactJudge\n"


def test_what_there_never_was_is_named(parsed):
    with pytest.raises(Exception, match=r"no module speciarl_pl\.judge\.exact") as error:
        parsed("validate", "--data.judge=speciarl_pl.judge.exact.ExctJudge")
    assert "did you mean ExactJudge?" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_module_that_is_gone_is_gone_for_an_import():
    assert parse_older(lambda: import_module("speciarl_pl.judge.exact")).ExactJudge
    with pytest.raises(ModuleNotFoundError):
        import_module("speciarl_pl.judge.exact")
    with pytest.raises(ModuleNotFoundError):
        import_module("speciarl_pl.nonsense")


def test_the_face_is_short_and_costs_nothing():
    assert len(speciarl_pl.__all__) <= 42
    program = "import sys, speciarl_pl; print(len(sys.modules), 'torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[1] == "False"
    assert Path(speciarl_pl.__file__).is_file()
