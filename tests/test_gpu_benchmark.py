"""The GPU benchmark and its models of real shape, on a CPU with narrow ones."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
from PIL import Image

from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.records import Sample

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def shapes():
    """`benchmarks/shapes.py`; `benchmarks/gpu.py` can be imported too."""
    sys.path.insert(0, str(BENCHMARKS))
    import shapes

    yield shapes
    sys.path.remove(str(BENCHMARKS))


SIZES = {
    "qwen2_5_vl_3b": 3_754_622_976,
    "qwen2_5_vl_7b": 8_292_166_656,
    "qwen2_5_vl_32b": 33_452_718_336,
    "qwen3_vl_4b": 4_437_815_808,
    "qwen3_vl_8b": 8_767_123_696,
}
"""Parameters of the real checkpoints."""


@pytest.mark.parametrize("name", SIZES)
def test_a_shape_has_as_many_parameters_as_the_real_model(shapes, name):
    skeleton = shapes._skeleton(shapes.config_of(shapes.SHAPES[name]))
    assert sum(parameter.numel() for parameter in skeleton.parameters()) == SIZES[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["qwen2_5_vl_7b", "qwen3_vl_4b"])
def test_a_narrow_checkpoint_loads_with_the_real_ids(shapes, tmp_path, name):
    folder = shapes.write(name, tmp_path, narrow=True, layers=4, shard_bytes=8 * 2**20)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 1
    policy = load_policy(str(folder), lora=LoraSpec(r=4))
    assert policy.rows == "shared"
    assert policy.compute_dtype == torch.bfloat16
    assert policy.eos_token_ids == [151643, 151645]
    assert policy.banned_token_ids == [151652, 151653, 151655, 151656]
    sample = Sample("1", "toy", "x", "What is it?", Image.new("RGB", (448, 448)))
    prompt = policy.encode(sample)
    side = {"qwen2_5_vl_7b": 28, "qwen3_vl_4b": 32}[name]
    assert prompt.mm_token_type_ids.sum() == (448 // side) ** 2
    asked = policy.encoder.render("What is it?")
    assert asked.endswith("What is it?<|im_end|>\n<|im_start|>assistant\n")
    assert policy.decode([5000, 60000, 151645]) == " w5000 w60000"


@pytest.mark.slow
def test_the_benchmark_runs_without_a_gpu_and_says_what_it_left_out(tmp_path):
    out = tmp_path / "gpu.json"
    parts = ["card", "qwen2_5_vl_7b_bf16", "vllm"]
    command = [sys.executable, str(BENCHMARKS / "gpu.py"), "--out", str(out), "--only", *parts]
    subprocess.run(command, check=True, cwd=BENCHMARKS.parent, stdout=subprocess.DEVNULL)
    found = json.loads(out.read_text())
    assert list(found) == parts
    assert found["card"]["bf16_tflops"] > 0
    model = found["qwen2_5_vl_7b_bf16"]
    assert model["rows"] == "shared"
    assert model["generate"]["sampler_gap_mean_nats"] < 1e-3
    assert model["update_2_x_10_x_16"]["grad_norm"] > 0
    assert found["vllm"]["skipped"]


@pytest.mark.slow
def test_what_runs_out_of_time_is_cut_with_all_it_has_started(shapes, tmp_path):
    import gpu

    arguments = ["--shape", "qwen2_5_vl_7b", "--config", "cub_lora"]
    found = gpu.run_part("fit", arguments, str(tmp_path), 12)
    assert found == {"skipped": "cut after 12 s, when time was up"}
    commands = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    assert not any(str(tmp_path) in argument for command in commands for argument in command)
