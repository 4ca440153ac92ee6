"""The tokenizer of the base: an own byte-level BPE with the special tokens of Qwen2.5-VL."""

from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from speciarl_pl.world.wording import all_texts

VOCAB_SIZE: Final = 1280
"""Tokens in all: 256 bytes, merges, and the added ones."""

SPECIAL: Final = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"),
    *("<|image_pad|>", "<|video_pad|>"),
)
"""Control tokens; decoding with `skip_special_tokens` leaves them out."""

TAGS: Final = ("<think>", "</think>", "<answer>", "</answer>")
"""Tokens of their own that belong to the text."""

_SPLIT: Final = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"
"""Words with the blank before them, single digits, runs of other signs, blank space."""

_CHAT_TEMPLATE: Final = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message.role + '\n' }}"
    "{%- if message.content is string -%}{{ message.content }}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<|im_end|>\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
_ENGLISH: Final = Path(__file__).with_name("english.txt")
_EMPHASIS: Final = 12
"""How often the words of the world are repeated, so that each becomes one token."""


def _texts() -> list[str]:
    english = _ENGLISH.read_text(encoding="utf-8").splitlines()
    return [*english, *(all_texts() * _EMPHASIS), *(["user\n", "assistant\n"] * _EMPHASIS)]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Train the tokenizer on the texts of the world and a page of English.

    Returns:
        A tokenizer that encodes any text and decodes it unchanged; it ends a turn with
        `<|im_end|>`, pads with `<|endoftext|>`, and has a chat template for messages in the form
        of Qwen2.5-VL.
    """
    core = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(_SPLIT), "isolated")
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.pre_tokenizer = pre_tokenizers.Sequence([split, as_bytes])
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(SPECIAL) - len(TAGS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(_texts(), trainer)
    core.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIAL]
    )
    core.add_tokens([AddedToken(tag, normalized=False) for tag in TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=_CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
        padding_side="left",
    )
