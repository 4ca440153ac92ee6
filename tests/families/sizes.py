"""Sizes that all families share."""

from typing import Any

from transformers import PreTrainedTokenizerBase

TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 2048,
}
TOWER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}


def text(tokens: PreTrainedTokenizerBase, model_type: str = "", **more: Any) -> dict[str, Any]:
    """Config of a language model over these tokens."""
    ids = {name: getattr(tokens, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    kind = {"model_type": model_type} if model_type else {}
    return {**TEXT, "vocab_size": len(tokens), **ids, **kind, **more}
