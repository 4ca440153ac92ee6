"""Which modules of a VLM are what."""

from typing import Any

from torch import nn

from speciarl_pl.errors import ModelError


def decoder_name(model: Any) -> str:
    """Full name of the language model inside a VLM, e.g. `model.language_model`.

    Raises:
        ModelError: If it has none of its own.
    """
    decoder = model.get_decoder()
    modules: list[tuple[str, nn.Module]] = list(model.named_modules())
    found = [name for name, module in modules if module is decoder]
    if decoder is model or not found:
        raise ModelError(
            f"{type(model).__name__}: expected a language model inside it to put the adapter on, "
            "found none apart from the rest; take a model of another family"
        )
    return found[0]


def linear_names(model: nn.Module) -> list[str]:
    """Full names of all linear layers, 4-bit ones included."""
    return [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]


def decoder_linears(model: Any) -> list[str]:
    """Full names of the linear layers of the language model; its head is not among them."""
    prefix = decoder_name(model) + "."
    head = model.get_output_embeddings()
    modules = dict(model.named_modules())
    inside = [name for name in linear_names(model) if name.startswith(prefix)]
    return [name for name in inside if modules[name] is not head]


def other_linears(model: Any) -> list[str]:
    """Full names of all other linear layers: vision tower, projector, head."""
    inside = set(decoder_linears(model))
    return [name for name in linear_names(model) if name not in inside]
