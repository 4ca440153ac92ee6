"""The tiny Qwen2.5-VL of the world: an untrained model, its configuration and image processor."""

from typing import Any

from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
)

from speciarl_pl.world.drawing import SIZE

_HIDDEN = 192
_VISION_LAYERS = 4


def token_id(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    """Id of one token."""
    return int(tokenizer.get_vocab()[token])


def _text_config(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": _HIDDEN,
        "intermediate_size": 448,
        "num_hidden_layers": 4,
        "num_attention_heads": 6,
        "num_key_value_heads": 3,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "rope_parameters": {
            "rope_type": "default",
            "mrope_section": [4, 6, 6],
            "rope_theta": 10_000.0,
        },
        "bos_token_id": None,
        "eos_token_id": token_id(tokenizer, "<|im_end|>"),
        "pad_token_id": token_id(tokenizer, "<|endoftext|>"),
    }


def _vision_config() -> dict[str, Any]:
    return {
        "depth": _VISION_LAYERS,
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_heads": 4,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": list(range(_VISION_LAYERS)),
        "out_hidden_size": _HIDDEN,
    }


def build_config(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    """Configuration of the base, for the tokens of `tokenizer`."""
    return Qwen2_5_VLConfig(
        text_config=_text_config(tokenizer),
        vision_config=_vision_config(),
        image_token_id=token_id(tokenizer, "<|image_pad|>"),
        video_token_id=token_id(tokenizer, "<|video_pad|>"),
        vision_start_token_id=token_id(tokenizer, "<|vision_start|>"),
        vision_end_token_id=token_id(tokenizer, "<|vision_end|>"),
        tie_word_embeddings=True,
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLForConditionalGeneration:
    """Untrained base of about 2.5 million parameters, drawn from torch's global seed."""
    model = Qwen2_5_VLForConditionalGeneration(build_config(tokenizer))
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        max_new_tokens=40,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return model


def build_image_processor() -> Qwen2VLImageProcessorPil:
    """Brings an image of any size to about that of the world's: 56 x 56 up to 56 x 112 pixels."""
    return Qwen2VLImageProcessorPil(
        size={"shortest_edge": SIZE * SIZE, "longest_edge": 2 * SIZE * SIZE},
        patch_size=14,
        temporal_patch_size=2,
        merge_size=2,
    )
