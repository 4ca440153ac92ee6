"""Every shipped config is parsed and built; those of the real thing take steps, made small."""

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.torch import load_file
from vllm_tools import needs_vllm

from speciarl_pl.callbacks import ProgressLines, RolloutCallback, StopCheckpoint
from speciarl_pl.commands.cli import SpeciaRLCLI, main
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.judge.config import load_judge, offline_judge
from speciarl_pl.module import SpeciaRLModule

CONFIGS = Path(__file__).parents[1] / "configs"
FILES = sorted(file for file in CONFIGS.rglob("*.yaml") if file.parent.name != "judge")
JUDGES = sorted((CONFIGS / "judge").glob("*.yaml"))
FLOWERS = CONFIGS.parents[1] / "shared" / "data" / "flowers102"
HERE = ("--trainer.accelerator=cpu", "--trainer.devices=1", "--trainer.strategy=auto")
"""Where there is no GPU."""


def world(n, **options):
    return {"class_path": "WorldImages", "init_args": {"n": n, **options}}


SMALL = (
    *HERE,
    "--model.base=world",
    f"--data.train={json.dumps(world(4))}",
    f"--data.val={json.dumps([world(2, seed=1)])}",
    "--data.batch_size=2",
    "--data.num_workers=0",
    "--model.reward=runs.Luck",
    "--rollout.init_args.group_size=2",
    "--rollout.init_args.sampling.max_new_tokens=8",
    "--trainer.max_epochs=1",
    "--trainer.num_sanity_val_steps=0",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
)
"""The built-in base and world, two steps of two images."""


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["speciarl_pl"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CONFIGS)))
def test_it_can_be_built_without_any_of_its_files(file, tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(SpeciaRLCLI, "_run_subcommand", lambda cli, _: built.append(cli))
    command = "validate" if file.parent.name == "eval" else "fit"
    command = "predict" if file.stem == "predict" else command
    arguments = ["--config", str(file), "--run_dir", str(tmp_path / "run"), *HERE]
    assert main([command, *arguments]) == 0
    (cli,) = built
    assert isinstance(cli.model, SpeciaRLModule)
    assert isinstance(cli.datamodule, OpenWorldDataModule)
    first, second, third, *_ = cli.trainer.callbacks
    assert isinstance(first, StopCheckpoint)
    assert isinstance(second, ProgressLines)
    assert isinstance(third, RolloutCallback)


@pytest.mark.parametrize("file", JUDGES, ids=lambda file: file.stem)
def test_a_judge_is_built_alone_and_as_part_of_a_run(file, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # where verdicts are kept
    alone = load_judge(file)
    alone.close()
    built = []
    monkeypatch.setattr(SpeciaRLCLI, "_run_subcommand", lambda cli, _: built.append(cli))
    config = str(CONFIGS / "quickstart.yaml")
    run = ["--run_dir", str(tmp_path / "run")]
    assert main(["fit", "--config", config, "--data.judge", str(file), *run]) == 0
    judge = built[0].datamodule.judge
    judge.close()
    assert type(judge) is type(alone)
    assert judge.fingerprint == alone.fingerprint
    head = file.read_text().partition("class_path")[0]
    assert f"--config configs/judge/{file.name}" in head or "--data.judge configs/judge" in head


def test_the_offline_config_is_the_offline_judge():
    config, built_in = load_judge(CONFIGS / "judge" / "offline.yaml"), offline_judge()
    assert [vars(one) for one in map(_plain, config.stages)] == [
        vars(one) for one in map(_plain, built_in.stages)
    ]


def _plain(stage):
    """What tells a stage apart."""
    trees = getattr(stage, "taxonomies", ())
    named = {k: v for k, v in vars(stage).items() if k in ("unknown", "close_levels")}
    return SimpleNamespace(nodes=[[node.name for node in tree.nodes] for tree in trees], **named)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CONFIGS)))
def test_its_head_gives_the_command_that_uses_it(file):
    head = file.read_text().partition("seed_everything")[0].partition("\nmodel:")[0]
    assert f"--config configs/{file.relative_to(CONFIGS)}" in head


def steps(name, folder, *options):
    """Take the steps of a config; gives the run directory."""
    run = folder / "run"
    arguments = ["--config", str(CONFIGS / name), "--run_dir", str(run), *SMALL, *options]
    assert main(["fit", *arguments]) == 0
    rollouts = pq.read_table(run / "rollouts.parquet").to_pylist()
    trained = [row["step"] for row in rollouts if row["stage"] == "train"]
    assert trained == [0] * 4 + [1] * 4
    adapter = load_file(run / "adapter" / "adapter_model.safetensors")
    assert any(value.any() for key, value in adapter.items() if "lora_B" in key), "it learned"
    assert all(value.isfinite().all() for value in adapter.values())
    return run


@pytest.mark.slow
def test_the_papers_recipe_takes_steps(tmp_path):
    run = steps("cub_lora.yaml", tmp_path)
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["lora"]["r"] == 64
    assert config["model"]["mini_batches"] == 2
    assert config["model"]["dtype"] == "bfloat16"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Paged optimizers are not supported on CPU:UserWarning")
def test_qlora_takes_steps_in_four_bits_with_its_8_bit_optimiser(tmp_path):
    """Without a GPU the optimiser is not paged; nothing else differs."""
    pytest.importorskip("bitsandbytes")
    run = steps("cub_qlora_1gpu.yaml", tmp_path)
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["quantization"] == "nf4"
    assert config["model"]["gradient_checkpointing"]
    assert config["model"]["optimizer"]["class_path"] == "bitsandbytes.optim.PagedAdamW8bit"


@pytest.mark.slow
@pytest.mark.skipif(not FLOWERS.is_dir(), reason=f"no photos in {FLOWERS}")
def test_photos_take_steps_and_every_image_is_counted(tmp_path):
    train, val = (
        {
            "class_path": "Flowers102",
            "init_args": {"root": str(FLOWERS), "split": split, "limit": n},
        }
        for split, n in (("train", 4), ("test", 12))
    )
    steps(
        "photos.yaml",
        tmp_path,
        f"--data.train={json.dumps(train)}",
        f"--data.val={json.dumps([val])}",
    )
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    counts = results["datasets"]["flowers102"]["counts"]
    assert sum(counts.values()) == 12


@pytest.mark.slow
@needs_vllm
@pytest.mark.filterwarnings("ignore:Paged optimizers are not supported on CPU:UserWarning")
def test_qlora_with_vllm_takes_steps(tmp_path):
    """On a CPU vLLM holds no 4-bit base, so the engine's is not quantised; the policy's is."""
    pytest.importorskip("bitsandbytes")
    options = ("memory_share=null", "engine=null", "kv_cache_bytes=134217728")
    run = steps(
        "cub_qlora_1gpu_vllm.yaml", tmp_path, *(f"--rollout.init_args.{o}" for o in options)
    )
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["quantization"] == "nf4"
    assert config["rollout"]["class_path"] == "speciarl_pl.callbacks.VLLMRolloutCallback"
    with (run / "metrics.csv").open(newline="") as file:
        assert [float(row["sync/version"]) for row in csv.DictReader(file)] == [1, 2]


def test_answers_are_cut_at_one_length_in_training_evaluation_and_prediction():
    """On real images; the built-in world has a length of its own."""
    files = [
        CONFIGS / "cub_lora.yaml",
        CONFIGS / "predict.yaml",
        *(CONFIGS / "eval").glob("*.yaml"),
    ]
    limits = {
        file.name: one["max_new_tokens"]
        for file in files
        for one in _samplings(yaml.safe_load(file.read_text())["rollout"]["init_args"])
        if file.name != "world.yaml"
    }
    assert len(limits) == len(files) - 1
    assert set(limits.values()) == {2048}


def _samplings(options):
    return [options[name] for name in ("sampling", "val_sampling") if name in options]
