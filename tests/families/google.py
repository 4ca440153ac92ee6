"""Gemma 3 and PaliGemma: tokens of a prompt that see each other."""

from transformers import Gemma3Config, GemmaTokenizer, PaliGemmaConfig

from .repository import Repository
from .sizes import TOWER, text
from .tokens import pieces

BASE = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
TURNS = (
    "{{ bos_token }}{%- for m in messages -%}"
    "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' }}"
    "{%- for c in m['content'] -%}{%- if c['type'] == 'image' -%}{{ '<start_of_image>' }}"
    "{%- else -%}{{ c['text'] | trim }}{%- endif -%}{%- endfor -%}{{ '<end_of_turn>\n' }}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"
)


def gemma3() -> Repository:
    """Template and tokenizer both begin texts; every other layer looks back a few tokens only."""
    tokens = pieces(
        GemmaTokenizer,
        BASE,
        pad="<pad>",
        extra=("<start_of_turn>", "<end_of_turn>"),
        boi_token="<start_of_image>",
        eoi_token="<end_of_image>",
        image_token="<image_soft_token>",
    )
    decoder = text(
        tokens,
        "gemma3_text",
        sliding_window=8,
        query_pre_attn_scalar=16,
        layer_types=["sliding_attention", "full_attention"],
    )
    config = Gemma3Config(
        text_config=decoder,
        vision_config=TOWER | {"vision_use_head": False},
        mm_tokens_per_image=4,
        boi_token_index=tokens.boi_token_id,
        eoi_token_index=tokens.eoi_token_id,
        image_token_index=tokens.image_token_id,
    )
    images = {
        "do_convert_rgb": None,
        "do_normalize": True,
        "do_pan_and_scan": None,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5] * 3,
        "image_processor_type": "Gemma3ImageProcessor",
        "image_seq_length": 4,
        "image_std": [0.5] * 3,
        "pan_and_scan_max_num_crops": None,
        "processor_class": "Gemma3Processor",
        "resample": 2,
        "size": {"height": 56, "width": 56},
    }
    return Repository(
        config=config,
        tokenizer=tokens,
        images=images,
        processor={"image_seq_length": 4, "processor_class": "Gemma3Processor"},
        template=TURNS,
        template_place="chat_template.json",
        end="<end_of_turn>",
        shard="200KB",
    )


def paligemma() -> Repository:
    """No chat template at all: an image, BOS and the question make the prompt."""
    places = [f"<loc{place:04}>" for place in range(1024)]
    shapes = [f"<seg{shape:03}>" for shape in range(128)]
    tokens = pieces(GemmaTokenizer, BASE, pad="<pad>", extra=("<image>", *places, *shapes))
    config = PaliGemmaConfig(
        text_config=text(tokens, "gemma"),
        vision_config=TOWER | {"model_type": "siglip_vision_model", "vision_use_head": False},
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        hidden_size=64,
        projection_dim=64,
    )
    images = {
        "do_convert_rgb": None,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5] * 3,
        "image_processor_type": "SiglipImageProcessor",
        "image_seq_length": 16,
        "image_std": [0.5] * 3,
        "processor_class": "PaliGemmaProcessor",
        "resample": 3,
        "size": {"height": 56, "width": 56},
    }
    return Repository(
        config=config, tokenizer=tokens, images=images, template="", template_place=""
    )
