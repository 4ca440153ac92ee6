"""Engines of their own, one at a time: other policies, other bases, and what is refused."""

import csv
import shutil
from dataclasses import replace

import pytest
import runs
import torch
from engine.adapters import RULES, policy_of
from policy.tiny import FAMILIES, MROPE, save_qwen, stirred_policy
from safetensors.torch import load_file, save_file
from vllm_tools import (
    CACHE,
    ONE,
    callback_of,
    change,
    draw,
    largest_gap,
    module_of,
    needs_vllm,
    requests,
    strong_policy,
    tokens,
)

from speciarl_pl.callbacks import HFRolloutCallback
from speciarl_pl.errors import RolloutError
from speciarl_pl.policy import LoraSpec, load_policy

pytestmark = [pytest.mark.slow, needs_vllm]


def test_a_resumed_run_pushes_first_and_agrees(commands, tmp_path):
    """From the command line, with an adapter that matters from the start."""
    strong_policy().save_adapter(tmp_path / "adapter")
    config = runs.CONFIG.replace("HFRolloutCallback", "VLLMRolloutCallback").replace(
        "group_size: 2", f"group_size: 2\n    kv_cache_bytes: {CACHE}"
    )
    commands.config.write_text(config)
    once = ("--checkpoint.every_n_train_steps=1", "--trainer.limit_val_batches=0")
    start = f"--model.adapter={tmp_path / 'adapter'}"
    assert commands("fit", "run", *once, start, "--trainer.max_steps=2") == 0
    last = f"--ckpt_path={commands.folder / 'run' / 'checkpoints' / 'last.ckpt'}"
    assert commands("fit", "run", *once, start, last) == 0
    with (commands.folder / "run" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["sync/version"]) for row in rows] == [1, 2, 1, 2]
    assert all(float(row["sync/gap_max"]) < 1e-4 for row in rows)
    assert all(abs(float(row["importance_weight"]) - 1) < 1e-4 for row in rows)
    trained = load_policy("world", adapter=str(commands.folder / "run" / "adapter"))
    groups = HFRolloutCallback().draw(module_of(trained), requests(trained), ONE)
    assert largest_gap(trained, groups, reference=True) > 0.5, "the base would have been noticed"


def test_banned_tokens_are_never_drawn(module):
    """With a policy that would draw hardly anything else: a ban on what it likes best."""
    policy = strong_policy()
    policy.banned_token_ids = sorted(
        {*policy.banned_token_ids, *policy.tokenizer("<think>")["input_ids"]}
    )
    other = module_of(policy)
    callback = callback_of()
    try:
        groups = draw(callback, other, replace(ONE, temperature=1.5))
    finally:
        callback.close()
    assert not {t for row in tokens(groups) for t in row} & set(policy.banned_token_ids)
    assert largest_gap(policy, groups, 1.5) < 1e-4


def test_images_are_resized_as_the_trainer_does():
    """Smaller pixel limits than those of the files, and images of other shapes."""
    policy = strong_policy(min_pixels=28 * 28, max_pixels=28 * 28 * 2)
    module, callback = module_of(policy), callback_of()
    asked = []
    for request, shape in zip(requests(policy), [(56, 56), (90, 40), (200, 30)], strict=False):
        sample = replace(request.sample, image=request.sample.image.resize(shape))
        asked.append(replace(request, sample=sample, prompt=policy.encode(sample)))
    assert len({request.prompt.input_ids.numel() for request in asked}) > 1
    try:
        callback.prepare(module)
        groups = callback.draw(module, asked, ONE)
    finally:
        callback.close()
    assert largest_gap(policy, groups) < 1e-4


def test_a_quantised_policy_is_served_by_an_engine_that_is_not():
    pytest.importorskip("bitsandbytes")
    policy = strong_policy(quantization="nf4")
    module, callback = module_of(policy), callback_of()
    try:
        draw(callback, module)
        assert 1e-3 < callback.sync.last_push["sync/gap_mean"] < 0.5
        with torch.no_grad():
            change(policy)
        draw(callback, module)
        assert callback.sync.version.number == 2
    finally:
        callback.close()


def test_an_engine_in_another_number_format_is_held_to_its_precision():
    policy = strong_policy()
    module, callback = module_of(policy), callback_of(engine={"dtype": "bfloat16"})
    try:
        draw(callback, module)
    finally:
        gap = callback.sync.last_push["sync/gap_mean"]
        callback.close()
    assert 1e-3 < gap < 0.15


@pytest.mark.parametrize(
    ("rule", "dtype", "limit"),
    [
        ("rsLoRA", "bfloat16", 0.15),
        ("rsLoRA with patterns", "float32", 1e-4),
    ],
)
def test_adapters_with_other_scales_are_served_truly(tmp_path, rule, dtype, limit):
    """What the engine holds is compared to 1e-6, what it says here to that of the trainer."""
    policy = policy_of(tmp_path, dtype, **RULES[rule])
    module, callback = module_of(policy), callback_of()
    try:
        groups = draw(callback, module)
        change(policy)
        draw(callback, module)
        assert callback.sync.version.number == 2
        gap = callback.sync.last_push["sync/gap_mean"]
    finally:
        callback.close()
    assert gap < limit
    assert largest_gap(policy, groups, reference=True) > 0.5


def test_a_rank_above_the_engines_is_refused():
    module = module_of(load_policy("world", lora=LoraSpec(r=32)))
    with pytest.raises(ValueError, match=r"max_lora_rank: expected at least .*r=32, got 8"):
        callback_of(engine={"max_lora_rank": 8}).prepare(module)


def test_a_model_that_vllm_does_not_know_is_named(tmp_path):
    policy = strong_policy()
    folder = tmp_path / "odd"
    shutil.copytree(policy.base.name_or_path, folder)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace("Qwen2_5_VLFor", "NobodyKnowsFor"))
    with pytest.raises(RolloutError, match=r"vLLM cannot serve .*odd: .*NobodyKnowsFor"):
        callback_of(engine={"model": str(folder)}).prepare(module_of(policy))


def test_another_base_is_caught_by_its_log_probs(tmp_path):
    policy = strong_policy()
    folder = tmp_path / "other"
    shutil.copytree(policy.base.name_or_path, folder)
    weights = load_file(folder / "model.safetensors")
    noisy = {n: t + 0.05 * t.std() * torch.randn_like(t) for n, t in weights.items()}
    save_file(noisy, folder / "model.safetensors", metadata={"format": "pt"})
    module, callback = module_of(policy), callback_of(engine={"model": str(folder)})
    try:
        with pytest.raises(RolloutError, match="another base model"):
            draw(callback, module)
    finally:
        callback.close()


WIDE_HEADS = {
    "hidden_size": 128,
    "head_dim": 32,
    "rope_parameters": MROPE | {"mrope_section": [4, 6, 6]},
}
"""The narrowest that vLLM's attention on CPUs takes."""


@pytest.mark.parametrize("family", FAMILIES)
def test_other_families_agree_too(tmp_path, family):
    """Random models, whose log-probs still tell the adapter from none."""
    policy = stirred_policy(str(save_qwen(tmp_path / family, family, **WIDE_HEADS)))
    module, callback = module_of(policy), callback_of(engine={"max_model_len": 512})
    try:
        groups = draw(callback, module)
    finally:
        callback.close()
    assert largest_gap(policy, groups) < 1e-4
    assert largest_gap(policy, groups, reference=True) > 1e-2
