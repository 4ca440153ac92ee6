"""Tiny random vision-language models that score on plain rows, family by family, on disk.

Each takes images in a way of its own: `gemma3` says of each token whether it is of an image;
`llava_next` cuts an image into tiles, more for larger ones; `mistral3` does not resize; `idefics3`
does both; `internvl` puts the tiles of all images into one dimension; `paligemma` sees its whole
prompt from each of its tokens.
"""

from pathlib import Path

import torch
from transformers import (
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    GotOcr2ImageProcessorPil,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    InternVLVideoProcessor,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PixtralImageProcessorPil,
    PixtralProcessor,
    SiglipImageProcessorPil,
)

from speciarl_pl.policy.checkpoint import quiet

from . import tiny

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}IMAGE{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BLOCK = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "tie_word_embeddings": True,
}
TOWER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}


def tokenizer(*extra: str, image: str, **named: str):
    """Letters and special tokens; `named` are those that a processor looks up by name."""
    tokens = tiny.tokenizer()
    tokens.add_special_tokens({"bos_token": "<|endoftext|>"})
    tokens.add_special_tokens({"additional_special_tokens": [*extra, *named.values()]})
    for name, token in named.items():
        setattr(tokens, name, token)
        setattr(tokens, f"{name}_id", tokens.convert_tokens_to_ids(token))
    if named:
        tokens._set_model_specific_special_tokens(named)
    tokens.chat_template = TEMPLATE.replace("IMAGE", image)
    return tokens


def text(tokens) -> dict[str, object]:
    return BLOCK | {
        "vocab_size": len(tokens),
        "bos_token_id": tokens.bos_token_id,
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
    }


def gemma3():
    tokens = tokenizer(image="<boi>", boi_token="<boi>", eoi_token="<eoi>", image_token="<img>")
    layers = ["full_attention", "sliding_attention", "full_attention"]
    options = {"sliding_window": 8, "query_pre_attn_scalar": 16, "layer_types": layers}
    config = Gemma3Config(
        text_config=text(tokens) | options,
        vision_config=TOWER | {"vision_use_head": False},
        mm_tokens_per_image=4,
        boi_token_index=tokens.boi_token_id,
        eoi_token_index=tokens.eoi_token_id,
        image_token_index=tokens.image_token_id,
    )
    images = Gemma3ImageProcessorPil(size={"height": 56, "width": 56})
    processor = Gemma3Processor(
        images, tokens, chat_template=tokens.chat_template, image_seq_length=4
    )
    model = Gemma3ForConditionalGeneration(config)
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight)  # from 0
    return model, processor


def llava_next():
    tokens = tokenizer(image="<|image_pad|>")
    pinpoints = [[56, 112], [112, 56], [112, 112]]
    config = LlavaNextConfig(
        text_config=text(tokens) | {"model_type": "llama"},
        vision_config=CLIPVisionConfig(**TOWER),
        image_token_index=tokens.convert_tokens_to_ids("<|image_pad|>"),
        image_grid_pinpoints=pinpoints,
    )
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": 56},
        crop_size={"height": 56, "width": 56},
        image_grid_pinpoints=pinpoints,
    )
    processor = LlavaNextProcessor(
        images,
        tokens,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<|image_pad|>",
        chat_template=tokens.chat_template,
    )
    return LlavaNextForConditionalGeneration(config), processor


def mistral3():
    tokens = tokenizer("[IMG]", "[IMG_BREAK]", "[IMG_END]", image="[IMG]")
    config = Mistral3Config(
        text_config=text(tokens) | {"model_type": "mistral"},
        vision_config=TOWER | {"model_type": "pixtral", "image_size": 112, "head_dim": 16},
        image_token_index=tokens.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
    )
    images = PixtralImageProcessorPil(size={"longest_edge": 112}, patch_size=14)
    processor = PixtralProcessor(
        images,
        tokens,
        patch_size=14,
        spatial_merge_size=2,
        chat_template=tokens.chat_template,
    )
    return Mistral3ForConditionalGeneration(config), processor


def idefics3():
    rows = [f"<row_{i + 1}_col_{j + 1}>" for i in range(2) for j in range(2)]
    tokens = tokenizer(
        "<fake_token_around_image>", "<image>", *rows, "<global-img>", image="<image>"
    )
    config = Idefics3Config(
        text_config=text(tokens) | {"model_type": "llama"},
        vision_config=TOWER,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=tokens.pad_token_id,
    )
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": 112}, max_image_size={"longest_edge": 56}
    )
    processor = Idefics3Processor(
        images, tokens, image_seq_len=4, chat_template=tokens.chat_template
    )
    return Idefics3ForConditionalGeneration(config), processor


def internvl():
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokens = tokenizer(image="<IMG_CONTEXT>", **named)
    config = InternVLConfig(
        text_config=text(tokens) | {"model_type": "qwen2"},
        vision_config=TOWER | {"image_size": [56, 56], "patch_size": [14, 14]},
        image_token_id=tokens.context_image_token_id,
        image_seq_length=4,
    )
    images = GotOcr2ImageProcessorPil(
        size={"height": 56, "width": 56}, crop_to_patches=True, max_patches=4
    )
    videos = InternVLVideoProcessor(size={"height": 56, "width": 56})
    processor = InternVLProcessor(
        images, tokens, videos, image_seq_length=4, chat_template=tokens.chat_template
    )
    return InternVLForConditionalGeneration(config), processor


def paligemma():
    tokens = tokenizer(image="<image>", image_token="<image>")
    config = PaliGemmaConfig(
        text_config=text(tokens) | {"model_type": "gemma"},
        vision_config=TOWER | {"model_type": "siglip_vision_model", "vision_use_head": False},
        image_token_index=tokens.image_token_id,
        hidden_size=64,
        projection_dim=64,
    )
    tokens.chat_template = tokens.chat_template.removeprefix("{{ bos_token }}")  # it is put after
    images = SiglipImageProcessorPil(size={"height": 56, "width": 56})
    images.image_seq_length = 16
    processor = PaliGemmaProcessor(images, tokens, chat_template=tokens.chat_template)
    return PaliGemmaForConditionalGeneration(config), processor


FAMILIES = {
    one.__name__: one for one in (gemma3, llava_next, mistral3, idefics3, internvl, paligemma)
}


def save(directory: Path, family: str) -> Path:
    """Save a tiny random model of a family with everything that `load_policy` needs."""
    torch.manual_seed(0)
    model, processor = FAMILIES[family]()
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    with quiet():
        model.save_pretrained(directory)
        processor.save_pretrained(directory)
    return directory
