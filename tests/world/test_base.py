import re

import pytest
import torch
from safetensors import safe_open
from transformers import AutoImageProcessor, AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from speciarl_pl.world import base_path, world_specs
from speciarl_pl.world.behaviour import Policy, judge_texts, measure, sample_answers

FORMAT = re.compile(r"<think>[^<>]+</think><answer>[^<>]+</answer>")


@pytest.fixture(scope="module")
def base():
    path = base_path()
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(path).eval()
    processor = AutoImageProcessor.from_pretrained(path, backend="pil")
    return Policy(model, AutoTokenizer.from_pretrained(path), processor)


def easy(kinds, n):
    return [spec for spec in world_specs(kinds, 2 * n, 11) if spec.easy][:n]


def test_the_file_is_small_and_the_loaded_weights_are_float32(base):
    file = base_path() / "model.safetensors"
    assert file.stat().st_size <= 8_000_000
    assert 1_000_000 <= sum(p.numel() for p in base.model.parameters()) <= 6_000_000
    assert {p.dtype for p in base.model.parameters()} == {torch.float32}
    with safe_open(file, "pt") as weights:
        assert {weights.get_tensor(key).dtype for key in weights.keys()} == {torch.float16}  # noqa: SIM118


def test_it_thinks_and_answers_with_one_label(base):
    torch.manual_seed(0)
    texts = [
        text for group in sample_answers(base, world_specs("all", 36, 12), 2) for text in group
    ]
    well_formed = [bool(FORMAT.fullmatch(text)) for text in texts]
    assert sum(well_formed) >= 0.97 * len(texts)


def test_a_maker_is_only_hit_by_luck(base):
    torch.manual_seed(0)
    hard = [spec for spec in world_specs("all", 72, 13) if not spec.easy]
    found = measure(base, hard, 8)
    assert found.shares.get("variant", 0) <= 0.04


@pytest.mark.slow
@pytest.mark.parametrize("kinds", ["train", "held_out"])
def test_it_is_right_but_mostly_too_generic(base, kinds):
    torch.manual_seed(0)
    found = measure(base, world_specs(kinds, 96, 14), 8)
    assert found.shares["kind"] >= 0.5
    assert found.correctness >= 0.8
    assert found.specificity <= 0.55


@pytest.mark.slow
@pytest.mark.parametrize("kinds", ["train", "held_out"])
def test_its_best_of_64_knows_the_easy_variants(base, kinds):
    torch.manual_seed(0)
    specs = easy(kinds, 24)
    texts = sample_answers(base, specs, 64)
    levels = [judge_texts(spec, group) for spec, group in zip(specs, texts, strict=True)]
    assert sum("variant" in group for group in levels) >= 0.9 * len(specs)
