"""No dropout: passes that are compared must see the same network.

Ratio, clipping and KL compare log-probabilities of several passes over the same tokens. With
dropout each pass would draw masks of its own, and their difference would be taken for a change of
the policy.
"""

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn.modules.dropout import _DropoutNd
from transformers import PretrainedConfig


def switch_off_dropout(model: nn.Module) -> dict[str, float]:
    """Set every dropout of a model to 0: its layers, and what layers read when they run.

    Args:
        model: A transformers model, with or without an adapter of PEFT.

    Returns:
        What was above 0, with its share, by the name of the module and its attribute; the
        configs' own entries, which change too, are not listed.
    """
    found = {}
    for name, module in model.named_modules():
        for attribute, share in _shares(module):
            found[f"{name}.{attribute}"] = share
            setattr(module, attribute, 0.0)
    for config in _configs(model):
        for attribute, _ in _shares(config):
            setattr(config, attribute, 0.0)
    return found


def _shares(owner: Any) -> list[tuple[str, float]]:
    """Attributes that hold a share to drop, such as `attention_dropout`, `resid_pdrop`, `p`."""
    return [
        (name, value)
        for name, value in vars(owner).items()
        if ("drop" in name or (name == "p" and isinstance(owner, _DropoutNd)))
        and isinstance(value, float)
        and value > 0
    ]


def _configs(model: nn.Module) -> list[Any]:
    """The configs of a model, of its parts and of its adapters, each once."""
    found: dict[int, Any] = {}
    for module in model.modules():
        for config in _inside(getattr(module, "config", None)):
            found[id(config)] = config
    adapters: dict[str, Any] = getattr(model, "peft_config", {})
    return [*found.values(), *adapters.values()]


def _inside(config: Any) -> Iterator[Any]:
    if isinstance(config, PretrainedConfig):
        yield config
        for part in vars(config).values():
            yield from _inside(part)
