"""Qwen2-VL to Qwen3.5 and GLM-4.1V: images keep their shape, positions have three axes."""

from typing import Any

from transformers import (
    Glm4vConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2VLConfig,
    Qwen3_5Config,
    Qwen3VLConfig,
    Qwen3VLMoeConfig,
)

from .repository import Repository
from .sizes import text
from .tokens import byte_level

SPECIALS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<think>",
    "</think>",
)
TURNS = (
    "{%- for m in messages -%}FIRST<|im_start|>{{ m['role'] }}{{ '\n' }}"
    "{%- if m['content'] is string -%}{{ m['content'] }}{%- else -%}{%- for c in m['content'] -%}"
    "{%- if c['type'] == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- else -%}{{ c['text'] }}{%- endif -%}{%- endfor -%}{%- endif -%}<|im_end|>{{ '\n' }}"
    "{%- endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant{{ '\n' }}LAST{%- endif -%}"
)
SYSTEM = (
    "{%- if loop.first and m['role'] != 'system' -%}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>{{ '\n' }}{%- endif -%}"
)
MROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1000000.0}
OLD_SIZES = {"min_pixels": 28 * 28, "max_pixels": 112 * 112, "patch_size": 14}
NEW_SIZES = {"size": {"shortest_edge": 32 * 32, "longest_edge": 128 * 128}, "patch_size": 16}


def _tokens() -> PreTrainedTokenizerFast:
    return byte_level(SPECIALS, eos="<|im_end|>", pad="<|endoftext|>")


def _ids(tokens: PreTrainedTokenizerFast) -> dict[str, int]:
    names = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    return {name: tokens.convert_tokens_to_ids(text) for name, text in names.items()}


def _images(processor: str, kind: str, **sizes: Any) -> dict[str, Any]:
    normal = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    return {
        **normal,
        **sizes,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_processor_type": kind,
        "processor_class": processor,
    }


def _repository(config: Any, tokens: Any, images: dict[str, Any], **more: Any) -> Repository:
    options = {"template_place": "chat_template.json", "template": _template(SYSTEM)} | more
    return Repository(config=config, tokenizer=tokens, images=images, **options)


def _template(first: str = "", last: str = "") -> str:
    return TURNS.replace("FIRST", first).replace("LAST", last)


def qwen2_vl() -> Repository:
    """Two files of weights, as the real ones come in several."""
    tokens = _tokens()
    vision = {"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2}
    config = Qwen2VLConfig(
        text_config=text(tokens, rope_parameters=MROPE), vision_config=vision, **_ids(tokens)
    )
    images = _images("Qwen2VLProcessor", "Qwen2VLImageProcessor", **OLD_SIZES)
    return _repository(config, tokens, images, shard="200KB")


def qwen2_5_vl() -> Repository:
    """The image processor is that of Qwen2-VL."""
    tokens = _tokens()
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "num_heads": 2,
        "intermediate_size": 48,
        "out_hidden_size": 64,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(
        text_config=text(tokens, rope_parameters=MROPE), vision_config=vision, **_ids(tokens)
    )
    images = _images("Qwen2_5_VLProcessor", "Qwen2VLImageProcessor", **OLD_SIZES)
    return _repository(config, tokens, images)


def _newer(kind: Any, **more: Any) -> Repository:
    tokens = _tokens()
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "num_heads": 2,
        "intermediate_size": 48,
        "out_hidden_size": 64,
        "num_position_embeddings": 64,
    }
    if kind is not Qwen3_5Config:
        vision["deepstack_visual_indexes"] = [0, 1]
    rope = MROPE | {"mrope_interleaved": True}
    config = kind(
        text_config=text(tokens, rope_parameters=rope) | more, vision_config=vision, **_ids(tokens)
    )
    images = _images("Qwen3VLProcessor", "Qwen2VLImageProcessorFast", **NEW_SIZES)
    videos = images | {"video_processor_type": "Qwen3VLVideoProcessor"}
    del videos["image_processor_type"]
    return _repository(config, tokens, images, videos=videos, template=_template())


def qwen3_vl() -> Repository:
    """Features of the tower go into several layers."""
    return _newer(Qwen3VLConfig)


def qwen3_vl_moe() -> Repository:
    """The same with experts."""
    experts = {"moe_intermediate_size": 32, "num_experts": 4, "num_experts_per_tok": 2}
    return _newer(Qwen3VLMoeConfig, **experts)


def qwen3_5() -> Repository:
    """Layers that carry a state along the row between those that attend; it opens `<think>`."""
    layers = {
        "layer_types": ["linear_attention", "full_attention"],
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "rope_parameters": MROPE | {"mrope_section": [1, 2, 1], "partial_rotary_factor": 0.5},
    }
    made = _newer(Qwen3_5Config, **layers)
    made.template, made.template_place = _template(last="<think>\n"), "chat_template.jinja"
    return made


GLM_SPECIALS = (
    "<|endoftext|>",
    "[MASK]",
    "[gMASK]",
    "[sMASK]",
    "<sop>",
    "<eop>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|observation|>",
    "<|begin_of_image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|end_of_video|>",
    "<|image|>",
    "<|video|>",
)
GLM_TURNS = (
    "[gMASK]<sop>\n{%- for m in messages -%}<|{{ m['role'] }}|>{{ '\n' }}"
    "{%- for c in m['content'] -%}{%- if c['type'] == 'image' -%}"
    "<|begin_of_image|><|image|><|end_of_image|>{%- else -%}{{ c['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endfor -%}{%- if add_generation_prompt -%}"
    "<|assistant|>\n<think>{%- endif -%}"
)


def glm4v() -> Repository:
    """GLM-4.1V: as Qwen2-VL but for its marks, and sizes that count the two frames of an image."""
    tokens = byte_level(GLM_SPECIALS, eos="<|endoftext|>", pad="<|endoftext|>")
    find = tokens.convert_tokens_to_ids
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "num_heads": 2,
        "intermediate_size": 48,
        "out_hidden_size": 64,
        "image_size": 112,
    }
    config = Glm4vConfig(
        text_config=text(tokens, rope_parameters=MROPE | {"partial_rotary_factor": 1.0}),
        vision_config=vision,
        image_token_id=find("<|image|>"),
        video_token_id=find("<|video|>"),
        image_start_token_id=find("<|begin_of_image|>"),
        image_end_token_id=find("<|end_of_image|>"),
        video_start_token_id=find("<|begin_of_video|>"),
        video_end_token_id=find("<|end_of_video|>"),
    )
    sizes = {
        "size": {"shortest_edge": 2 * 28 * 28, "longest_edge": 2 * 112 * 112},
        "patch_size": 14,
    }
    images = _images("Glm4vProcessor", "Glm4vImageProcessor", **sizes)
    videos = images | {"video_processor_type": "Glm4vVideoProcessor"}
    del videos["image_processor_type"]
    return Repository(
        config=config,
        tokenizer=tokens,
        images=images,
        videos=videos,
        template=GLM_TURNS,
        template_place="chat_template.jinja",
        end="<|user|>",
    )
