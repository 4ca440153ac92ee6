"""Tokenizers of two kinds: bytes, and pieces of text with bytes to fall back on."""

import string
from collections.abc import Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast


def byte_level(
    specials: Sequence[str],
    *,
    eos: str,
    pad: str,
    bos: str | None = None,
    adds_bos: bool = False,
    **named: str,
) -> PreTrainedTokenizerFast:
    """As Qwen, GLM, SmolLM, Llama 3 and Tekken have them: one token a byte here.

    Args:
        specials: Special tokens.
        eos: The one that ends a text.
        pad: The one that fills rows.
        bos: The one that begins a text.
        adds_bos: Whether the tokenizer puts it there itself.
        named: Special tokens that a processor looks up by name.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE({letter: place for place, letter in enumerate(letters)}, []))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    every = dict.fromkeys([*specials, *named.values()])
    tokens.add_special_tokens([AddedToken(text, special=True) for text in every])
    if adds_bos:
        tokens.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A",
            pair=f"{bos} $A {bos} $B",
            special_tokens=[(bos, tokens.token_to_id(bos))],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        bos_token=bos,
        eos_token=eos,
        pad_token=pad,
        extra_special_tokens=named,
    )


def pieces(
    kind: type[PreTrainedTokenizerBase],
    base: Sequence[str],
    *,
    pad: str,
    extra: Sequence[str] = (),
    **named: str,
) -> PreTrainedTokenizerBase:
    """As Gemma and Llama 2 have them: one token a letter here; the tokenizer adds BOS itself.

    Args:
        kind: Class of the tokenizer.
        base: The tokens that the vocabulary begins with.
        pad: The one that fills rows.
        extra: More special tokens.
        named: Special tokens that a processor looks up by name.
    """
    falls_back_on = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = ["▁", "\n", *string.ascii_letters, *string.digits, *string.punctuation]
    vocabulary = {text: place for place, text in enumerate([*base, *falls_back_on, *letters])}
    tokens = kind(
        vocab=vocabulary,
        pad_token=pad,
        add_bos_token=True,
        add_eos_token=False,
        extra_special_tokens=named,
    )
    tokens.add_special_tokens({"additional_special_tokens": [*extra, *named.values()]})
    return tokens
