"""Idefics 3 and SmolVLM: an image is cut into tiles, each named by its row and column."""

from typing import Any

from transformers import Idefics3Config, PreTrainedTokenizerFast, SmolVLMConfig

from .repository import Repository
from .sizes import TOWER, text
from .tokens import byte_level

MARKS = (
    "<fake_token_around_image>",
    "<image>",
    "<end_of_utterance>",
    "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
)
TURNS = (
    "BEGIN{% for m in messages %}{{ m['role'] | capitalize }}"
    "{% if m['content'][0]['type'] == 'image' %}:{% else %}: {% endif %}"
    "{% for c in m['content'] %}{% if c['type'] == 'text' %}{{ c['text'] }}"
    "{% elif c['type'] == 'image' %}<image>{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


def _images(kind: str, processor: str) -> dict[str, Any]:
    return {
        "do_convert_rgb": True,
        "do_image_splitting": True,
        "do_pad": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "image_processor_type": kind,
        "max_image_size": {"longest_edge": 56},
        "size": {"longest_edge": 112},
        "processor_class": processor,
        "resample": 1,
    }


def _config(kind: Any, tokens: PreTrainedTokenizerFast) -> Any:
    return kind(
        text_config=text(tokens, "llama"),
        vision_config=TOWER,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=tokens.pad_token_id,
    )


def idefics3() -> Repository:
    """Over Llama 3: the template writes BOS, and the tokenizer would too."""
    llama = ("<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad_id|>", "<|eot_id|>")
    begin, end, pad, _ = llama
    tokens = byte_level([*llama, *MARKS], bos=begin, eos=end, pad=pad, adds_bos=True)
    return Repository(
        config=_config(Idefics3Config, tokens),
        tokenizer=tokens,
        images=_images("Idefics3ImageProcessor", "Idefics3Processor"),
        processor={"image_seq_len": 4, "processor_class": "Idefics3Processor"},
        template=TURNS.replace("BEGIN", begin),
        template_place="chat_template.json",
        end="<end_of_utterance>",
        shard="200KB",
    )


def smolvlm() -> Repository:
    """SmolVLM2, over SmolLM2; the first SmolVLM is an Idefics 3 by its files."""
    smollm = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    tokens = byte_level(
        [*smollm, *MARKS],
        bos="<|im_start|>",
        eos="<end_of_utterance>",
        pad="<|im_end|>",
        fake_image_token="<fake_token_around_image>",
        image_token="<image>",
        global_image_token="<global-img>",
        end_of_utterance_token="<end_of_utterance>",
    )
    images = _images("SmolVLMImageProcessor", "SmolVLMProcessor")
    sampling = {"fps": 1, "max_frames": 64, "video_size": {"longest_edge": 56}}
    return Repository(
        config=_config(SmolVLMConfig, tokens),
        tokenizer=tokens,
        images=images | {"video_sampling": sampling},
        processor={"image_seq_len": 4, "processor_class": "SmolVLMProcessor"},
        videos={"video_processor_type": "SmolVLMVideoProcessor", "size": {"longest_edge": 56}},
        template=TURNS.replace("BEGIN", "<|im_start|>"),
        template_place="chat_template.json",
    )
