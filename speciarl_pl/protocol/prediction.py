"""What the older protocol looks at: one answer of a run and what the judge made of it."""

from dataclasses import dataclass
from typing import Final

from speciarl_pl.category import Category
from speciarl_pl.records import Outcome, Unjudged, Unparsed, Verdict

_UNJUDGED: Final = "unjudged"
"""What rollouts.parquet says of an answer without a verdict."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer to one image.

    Example:
        >>> Prediction("Samoyed", "dog", Category.GENERIC, "taxonomy:ancestor").outcome.source
        'taxonomy:ancestor'
    """

    truth: str
    """The label, as written; blank for a photo without one."""
    answer: str | None
    """The answer, as written; None if the rollout is unparsed."""
    verdict: Category | str | None = None
    """What the judge of the run said, also by its label; None or `unjudged` if nothing."""
    source: str = ""
    """Source of the verdict, as in `Verdict`."""
    sample_id: str = ""
    """Image asked about; answers to one image are not independent. Empty: an image of its own."""

    @property
    def outcome(self) -> Outcome:
        """The same as the judge's record.

        Raises:
            ValueError: If `verdict` is a text but no label.
        """
        if self.answer is None:
            return Unparsed("no answer")
        if self.verdict is None or self.verdict == _UNJUDGED:
            return Unjudged("no verdict")
        said = self.verdict
        category = Category.parse(said) if isinstance(said, str) else said
        return Verdict(category, self.source)
