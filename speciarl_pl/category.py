"""The six ordered levels on which a judge puts an answer (paper, section 3)."""

from enum import IntEnum
from typing import Final

UNPARSED: Final = -1
"""Code of an outcome whose rollout held no readable answer."""

UNJUDGED: Final = -2
"""Code of an outcome for which no judge gave a verdict."""


class Category(IntEnum):
    """How an answer relates to the truth; a higher value is a more specific correct answer.

    Example:
        >>> Category.GENERIC < Category.SPECIFIC
        True
        >>> Category.parse("less specific").label
        'less specific'
    """

    WRONG = 0
    """False, contradictory, malformed, unrelated, or several options at once."""
    ABSTAIN = 1
    """A refusal to name anything."""
    GENERIC = 2
    """Right but much broader than the truth."""
    LESS_SPECIFIC = 3
    """Right, a close parent of the truth."""
    SPECIFIC = 4
    """The same thing as the truth: exact, a synonym, a scientific name."""
    MORE_SPECIFIC = 5
    """Right and finer than the truth."""

    @property
    def label(self) -> str:
        """The name in lower case with blanks, as files and tables show it."""
        return self.name.lower().replace("_", " ")

    @property
    def is_correct(self) -> bool:
        """Whether an answer of this level is true of the image."""
        return self >= Category.GENERIC

    @classmethod
    def parse(cls, label: str) -> "Category":
        """Read a label as `label` writes it.

        Raises:
            ValueError: If `label` is none of the six.
        """
        try:
            return cls[label.upper().replace(" ", "_")]
        except KeyError:
            known = ", ".join(category.label for category in cls)
            raise ValueError(f"category: expected one of {known}; got {label!r}") from None


OUTCOMES: Final = {
    "unjudged": UNJUDGED,
    "unparsed": UNPARSED,
    **{category.label: int(category) for category in Category},
}
"""Code of each outcome of a rollout by its name, as files and tables show it."""
