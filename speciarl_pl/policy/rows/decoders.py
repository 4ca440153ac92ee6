"""What a vision-language model hands to its language model, and how long a row that may be.

transformers' models turn image and text into one sequence of embeddings and give it to a language
model; how, differs by family: tiles, crops, padding, masks of pixels, layers of the tower. So the
model's own forward pass is run up to there and stopped, and what arrives is looked at. Nothing
here knows a family by name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

_COMMON: Final = ("inputs_embeds", "attention_mask", "position_ids")

_WINDOWS: Final = ("sliding_window", "attention_chunk_size")
"""Config entries of how far some layers look back; None where none does."""


@dataclass(frozen=True, slots=True)
class DecoderCall:
    """The arguments of a language model's forward pass, for B rows of P tokens."""

    embeds: Tensor
    """[B, P, hidden]: embeddings of text tokens, and image features in the place of others."""
    mask: Any
    """What it may attend to, as the model says it: None, bool or int64 [B, P], or something else
    that it made itself."""
    positions: Tensor | None
    """int64 [B, P], or [3 or 4, B, P] with M-RoPE; None where the language model counts itself."""
    extra: Mapping[str, Any]
    """Whatever else holds tensors, under the names of the arguments."""


class _ReachedError(Exception):
    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        self.arguments = arguments


def decoder_call(model: Any, inputs: Mapping[str, Any]) -> DecoderCall:
    """Run a model up to its language model, tower included, and say what that is given.

    Args:
        model: Any VLM for conditional generation, with or without an adapter inside.
        inputs: Arguments of its forward pass.

    Raises:
        ValueError: If its language model is never reached, or not with embeddings.
    """
    hook = model.get_decoder().register_forward_pre_hook(_stop, with_kwargs=True)
    try:
        model(**inputs, use_cache=False)
    except _ReachedError as reached:
        found = dict(reached.arguments)
    else:
        raise ValueError("it does not call its language model")
    finally:
        hook.remove()
    found = {name: value for name, value in found.items() if _says_something(value)}
    embeds, mask, positions = (found.pop(name, None) for name in _COMMON)
    if embeds is None:
        raise ValueError(f"its language model takes {', '.join(sorted(found))}, no embeddings")
    return DecoderCall(embeds, mask, positions, found)


def image_token_id(model: Any) -> int:
    """The token in whose places a model puts image features, as its config declares it.

    Raises:
        ValueError: If it declares none.
    """
    for name in ("image_token_id", "image_token_index"):
        if (token := getattr(model.config, name, None)) is not None:
            return int(token)
    raise ValueError("its config names no image token")


@dataclass(frozen=True, slots=True)
class RowLimit:
    """Up to where a row is computed like any other."""

    tokens: int
    """Tokens of the longest such row."""
    reason: str
    """What happens beyond."""


def row_limit(model: Any) -> RowLimit | None:
    """How long rows may be that are computed like any other; None where there is no limit."""
    decoder = model.get_decoder()
    windows = (getattr(decoder.config, name, None) for name in _WINDOWS)
    cut = "some of its layers attend through a sliding window of {} tokens"
    scaled = "beyond {} tokens the frequencies of its positions follow the longest row of a batch"
    limits = [(size, cut) for size in windows if size is not None]
    limits += [(size, scaled) for size in _rotary_limits(decoder)]
    if not limits:
        return None
    tokens, reason = min(limits)
    return RowLimit(tokens, reason.format(tokens))


def _rotary_limits(decoder: nn.Module) -> Iterator[int]:
    """Lengths beyond which the frequencies of rotary embeddings follow the longest row."""
    for module in decoder.modules():
        named: Any = getattr(module, "rope_type", None)
        kinds = named.values() if isinstance(named, dict) else [named]
        if any(kind is not None and ("dynamic" in kind or kind == "longrope") for kind in kinds):
            yield _original_length(module)


def _original_length(rotary: Any) -> int:
    """Tokens that a model was trained on before its positions were stretched."""
    parameters = rotary.config.rope_parameters
    by_layer = all(isinstance(value, dict) for value in parameters.values())
    each = parameters.values() if by_layer else [parameters]
    declared = [one.get("original_max_position_embeddings") for one in each]
    lengths = [rotary.original_max_seq_len, *(length for length in declared if length is not None)]
    return int(min(lengths))


def _stop(_: nn.Module, __: tuple[Any, ...], named: dict[str, Any]) -> None:
    raise _ReachedError(named)


def _says_something(value: Any) -> bool:
    """Whether an argument can carry more than an option of the pass."""
    return value is not None and not isinstance(value, bool | int | float | str | torch.dtype)
