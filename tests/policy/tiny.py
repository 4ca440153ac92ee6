"""Tiny random vision-language models on disk, and rollouts to score with them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from speciarl_pl.policy import LoraSpec, Policy, load_policy
from speciarl_pl.policy.base_model import quiet
from speciarl_pl.records import Rollout, RolloutGroup, Sample

SPECIALS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VOCABULARY = 263
MROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rope_parameters": MROPE,
    "tie_word_embeddings": True,
    "bos_token_id": 257,
    "eos_token_id": 256,
}
FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


def tokenizer() -> PreTrainedTokenizerFast:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokens, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.add_special_tokens({"additional_special_tokens": list(SPECIALS)})
    fast.chat_template = TEMPLATE
    return fast


def special_ids(tokens: PreTrainedTokenizerFast) -> dict[str, int]:
    find = tokens.convert_tokens_to_ids
    return {
        "image_token_id": find("<|image_pad|>"),
        "video_token_id": find("<|video_pad|>"),
        "vision_start_token_id": find("<|vision_start|>"),
        "vision_end_token_id": find("<|vision_end|>"),
    }


def qwen(family: str, ids: dict[str, int], **text: object) -> nn.Module:
    text = TEXT | text
    if family == "qwen2_vl":
        vision = {"depth": 2, "embed_dim": 32, "hidden_size": text["hidden_size"], "num_heads": 2}
        config = Qwen2VLConfig(text_config=text, vision_config=vision, **ids)
        return Qwen2VLForConditionalGeneration(config)
    vision = {"depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 48}
    vision["out_hidden_size"] = text["hidden_size"]
    if family == "qwen2_5_vl":
        vision |= {"fullatt_block_indexes": [1]}
        config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **ids)
        return Qwen2_5_VLForConditionalGeneration(config)
    vision |= {"patch_size": 14, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]}
    rope = text["rope_parameters"] | {"mrope_interleaved": True}
    text = {"head_dim": 16} | text | {"rope_parameters": rope}
    config = Qwen3VLConfig(text_config=text, vision_config=vision, **ids)
    return Qwen3VLForConditionalGeneration(config)


def save_qwen(directory: Path, family: str = "qwen2_5_vl", **text: object) -> Path:
    """Save a tiny random Qwen-VL with everything that `load_policy` needs."""
    torch.manual_seed(0)
    tokens = tokenizer()
    model = qwen(family, special_ids(tokens), **text)
    model.generation_config.eos_token_id = [tokens.eos_token_id]
    with quiet():
        model.save_pretrained(directory)
    tokens.save_pretrained(directory)
    Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=112 * 112).save_pretrained(directory)
    return directory


def save_llava(directory: Path) -> Path:
    """Save a tiny random LLaVA, which knows neither M-RoPE nor shared rows."""
    torch.manual_seed(0)
    tokens = tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
    )
    text = LlamaConfig(**{name: value for name, value in TEXT.items() if "rope" not in name})
    image_token = tokens.convert_tokens_to_ids("<|image_pad|>")
    config = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=image_token, image_seq_length=16
    )
    model = LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokens.eos_token_id
    with quiet():
        model.save_pretrained(directory)
    LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}
        ),
        tokenizer=tokens,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<|image_pad|>",
        chat_template=TEMPLATE,
    ).save_pretrained(directory)
    return directory


def sample(width: int = 56, height: int = 56, prompt: str = "What is it?") -> Sample:
    noise = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3))
    image = Image.fromarray(noise.astype(np.uint8))
    return Sample(f"{width}x{height}", "noise", "noise", prompt, image)


def group(policy: Policy, shown: Sample, lengths: Sequence[int], seed: int = 0) -> RolloutGroup:
    """A group of random completions of the given lengths."""
    draw = torch.Generator().manual_seed(seed)
    rollouts = tuple(
        Rollout(
            torch.randint(0, 200, (length,), generator=draw), torch.zeros(length), "", "length", 0
        )
        for length in lengths
    )
    return RolloutGroup(shown, policy.encode(shown), rollouts)


def uneven_groups(policy: Policy) -> list[RolloutGroup]:
    """Images of three sizes, questions and completions of many lengths."""
    return [
        group(policy, sample(56, 56), [5, 1, 9], seed=1),
        group(policy, sample(112, 84, "And this, is it a bird?"), [3, 7], seed=2),
        group(policy, sample(28, 84, "Hm"), [12, 4, 6, 2], seed=3),
    ]


def stirred_policy(directory: str, **options: object) -> Policy:
    """The same policy at every call, with an adapter that matters."""
    torch.manual_seed(0)
    return stir(load_policy(directory, lora=LoraSpec(r=4, alpha=8), **options))


def stir(policy: Policy) -> Policy:
    """Make the adapter matter: random B matrices in place of zeros."""
    torch.manual_seed(1)
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)
    return policy
