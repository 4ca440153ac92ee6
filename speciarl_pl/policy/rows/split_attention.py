"""Attention over shared-prefix rows: exact, without a mask of the size of the row.

A completion attends to its own prompt and to itself. Over the row that is a huge, mostly empty
mask; taken apart it is plain causal attention over each prompt, and a batch of R completions that
attend to [keys of their prompt | own keys], at a cost of R T (P + T).

The function is registered with transformers under `IMPLEMENTATION` and is sdpa itself unless it
is handed `row_blocks`, so `generate` runs as ever. It gets them as a keyword argument through the
decoder layers, which gradient checkpointing repeats in its recomputation; a switch thrown only
around the forward pass would be off again by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.rows.packing import RowIndex

IMPLEMENTATION = "speciarl_split"
"""Name of this function in transformers; set as `_attn_implementation` of the text config."""

_UNDERSTOOD: Final = frozenset(
    {"dropout", "scaling", "is_causal", "sliding_window", "position_ids", "use_cache"}
)
"""Arguments that an attention layer may give: heeded, or without a say in a row's attention."""


@dataclass(frozen=True, slots=True)
class RowBlocks:
    """What the layers of one pass over a row attend by."""

    index: RowIndex
    """Laid out once for all passes."""
    mask: Tensor
    """bool [R, 1, T, P + T]: which keys a completion token sees; too large to be kept."""
    attended: set[int] = field(default_factory=set)
    """Layers that have attended by these blocks, so that one that did otherwise is found out."""


def row_blocks(index: RowIndex) -> RowBlocks:
    """Blocks for one pass over a row."""
    count, length = index.completions.shape
    causal = torch.ones(length, length, dtype=torch.bool, device=index.back.device).tril()
    prefix = index.prompt_mask[index.owners][:, None].expand(-1, length, -1)
    mask = torch.cat([prefix, causal.expand(count, -1, -1)], dim=-1)[:, None]
    return RowBlocks(index, mask)


def split_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    row_blocks: RowBlocks | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend within a shared-prefix row, or as sdpa does when there is none.

    Args:
        module: The attention layer.
        query: [1, heads, L, D].
        key: [1, key heads, L, D].
        value: [1, key heads, L, D].
        attention_mask: For sdpa only; the row needs none.
        row_blocks: Of the row; None for ordinary rows.
        kwargs: `dropout` and `scaling`, and whatever else sdpa takes.

    Returns:
        [1, L, heads, D], and None for the attention weights.

    Raises:
        ModelError: If the layer asks a row for attention of another kind.
    """
    if row_blocks is None:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
        return output, None
    _check(module, row_blocks, kwargs)
    row_blocks.attended.add(id(module))
    options = {"dropout_p": kwargs.get("dropout", 0.0), "scale": kwargs.get("scaling")}
    return attend(query[0], key[0], value[0], row_blocks, **options)[None], None


def _check(module: nn.Module, blocks: RowBlocks, options: Mapping[str, Any]) -> None:
    """Raise a `ModelError` on a layer that attends in a way that these blocks do not heed."""
    causal = options.get("is_causal")
    if not (getattr(module, "is_causal", True) if causal is None else causal):
        raise ModelError("some of its layers attend to what comes later")
    window = options.get("sliding_window")
    if window is not None and window < blocks.index.longest:
        raise ModelError(
            f"some of its layers attend through a sliding window of {window} tokens, fewer than a"
            f" row of {blocks.index.longest} has"
        )
    given = {name for name, value in options.items() if value is not None and value is not False}
    if unknown := sorted(given - _UNDERSTOOD):
        raise ModelError(f"its attention takes {', '.join(unknown)}, which such rows do not heed")


def attend(query: Tensor, key: Tensor, value: Tensor, blocks: RowBlocks, **options: Any) -> Tensor:
    """Attention of one row.

    Args:
        query: [heads, L, D].
        key: [key heads, L, D]; the heads are a multiple of them.
        value: [key heads, L, D].
        blocks: Of the row.
        options: Of `scaled_dot_product_attention`.

    Returns:
        [L, heads, D].
    """
    index = blocks.index
    q_own, k_own, v_own = (_gather(x, index.completions) for x in (query, key, value))
    q_pre, k_pre, v_pre = (_gather(x, index.prompts) for x in (query, key, value))
    gqa = query.shape[0] != key.shape[0]
    prompts = scaled_dot_product_attention(
        q_pre, k_pre, v_pre, is_causal=True, enable_gqa=gqa, **options
    )
    keys = torch.cat([k_pre[index.owners], k_own], dim=2)
    values = torch.cat([v_pre[index.owners], v_own], dim=2)
    owns = _masked_attention(q_own, keys, values, blocks.mask, **options)
    both = torch.cat([_flatten(prompts), _flatten(owns)])
    return both.index_select(0, index.back)


def _masked_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, **options: Any
) -> Tensor:
    """Sdpa under a mask; off the CPU, a mask and grouped heads together miss the fast kernels."""
    repeats = query.shape[1] // key.shape[1]
    if query.device.type != "cpu":
        key, value = (x.repeat_interleave(repeats, dim=1) for x in (key, value))
        repeats = 1
    return scaled_dot_product_attention(
        query, key, value, attn_mask=mask, enable_gqa=repeats > 1, **options
    )


def _gather(heads: Tensor, places: Tensor) -> Tensor:
    """Blocks [n, heads, length, D] of [heads, L, D]."""
    flat = heads.transpose(0, 1).index_select(0, places.flatten())
    return flat.view(*places.shape, *flat.shape[1:]).transpose(1, 2)


def _flatten(blocks: Tensor) -> Tensor:
    """Tokens [n * length, heads, D] of blocks [n, heads, length, D]."""
    return blocks.transpose(1, 2).flatten(0, 1)


AttentionInterface.register(IMPLEMENTATION, split_attention)
AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)
