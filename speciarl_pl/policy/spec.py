"""What a user may ask of the policy's weights."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Quantization: TypeAlias = Literal["nf4"]
"""Storage of the frozen linear layers of the language model: 4-bit NormalFloat (QLoRA)."""

Dtype: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]
"""Type of the frozen weights; `auto` keeps what the checkpoint was saved in."""

RowKind: TypeAlias = Literal["shared", "plain", "auto"]
"""One row per image, one per rollout, or shared rows wherever the model allows them."""


@dataclass(frozen=True)  # no slots: jsonargparse reads the default's __dict__
class LoraSpec:
    """A LoRA adapter on the linear layers of the language model (PAPER.md section 4)."""

    r: int = 64
    """Rank, >= 1."""
    alpha: int = 32
    """Numerator of the scale; the update is multiplied by `alpha / r`."""
    dropout: float = 0.0
    """Must be 0: passes whose log-probabilities are compared have to see the same network."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """`all-linear`, or names such as `q_proj`; only the language model is ever adapted."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: On a rank below 1 or any dropout.
        """
        if self.r < 1:
            raise ValueError(f"r: expected an int >= 1, got {self.r}")
        if self.dropout != 0:
            raise ValueError(
                f"dropout: expected 0, got {self.dropout}; ratio, clipping and KL compare passes"
                " that must see the same network, and with dropout each would draw another"
            )
