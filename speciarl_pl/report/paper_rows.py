"""The rows that the paper publishes, to show beside one's own (its main tables)."""

from dataclasses import dataclass
from typing import Final

NOTE: Final = (
    "Published, not measured here; other data, judge and definitions may differ. Trained on birds "
    "(CUB) only."
)
"""What has to stand beside these numbers."""


@dataclass(frozen=True, slots=True)
class Published:
    """A row of the paper."""

    method: str
    """As the paper calls it."""
    group: str
    """`fine_grained` (Flowers-102, Food-101, Oxford Pets) or `very_fine_grained` (Stanford Cars,
    FGVC-Aircraft)."""
    specificity: float | None
    """Mean over the group; None where it is not known here."""
    correctness: float | None
    """As `specificity`."""
    hm: float
    """Harmonic mean of the two."""


PUBLISHED: Final = (
    Published("zero-shot Qwen2.5-VL-7B", "fine_grained", 0.742, 0.846, 0.790),
    Published("\u201cbe specific\u201d prompt", "fine_grained", 0.816, 0.832, 0.822),
    Published("SFT", "fine_grained", 0.935, 0.807, 0.866),
    Published("RFT (static binary reward)", "fine_grained", 0.875, 0.785, 0.825),
    Published("SpeciaRL", "fine_grained", 0.920, 0.848, 0.883),
    Published("best-of-64 (bound)", "fine_grained", 0.889, 0.984, 0.933),
    Published("SFT", "very_fine_grained", None, None, 0.814),
    Published("RFT (static binary reward)", "very_fine_grained", None, None, 0.821),
    Published("SpeciaRL", "very_fine_grained", None, None, 0.830),
    Published("best-of-64 (bound)", "very_fine_grained", None, None, 0.868),
)
"""All rows."""
