"""Inclusion of the truth in the prediction, by its letters or in the eyes of an LLM.

Two of the four metrics of the older protocol (paper, section 5; Conti et al., ICCV 2025). Both are
shares of a yes, and take counts as from `yes_counts`.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.counts import as_real
from speciarl_pl.metrics.functional.intervals import wilson_interval

YES_LABELS: Final = ("yes", "no", "missing")
"""What each place of the counts counts; `missing` are the questions that nobody answered."""


def is_included(truth: str, prediction: str | None) -> bool:
    """Whether the lower-cased truth is a substring of the lower-cased prediction.

    Nothing else is folded, as in the protocol: `dog` is included in `hotdog`, and a hyphen counts.

    Args:
        truth: The label as written, not blank.
        prediction: The answer as written; None if it is unparsed, which includes nothing.

    Raises:
        ValueError: If `truth` is blank, as a blank would be included in everything.

    Example:
        >>> is_included("Siamese", "a siamese cat"), is_included("Siamese cat", "a cat")
        (True, False)
    """
    if not truth.strip():
        raise ValueError("truth: expected a name, got a blank; leave out photos without a label")
    return prediction is not None and truth.lower() in prediction.lower()


def textual_inclusion(truths: Sequence[str], predictions: Sequence[str | None]) -> Tensor:
    """Share of predictions that include their truth; see `is_included`.

    Args:
        truths: n labels.
        predictions: n answers; None for an unparsed one, which counts as not included.

    Returns:
        Scalar from 0 to 1; NaN if n is 0.

    Raises:
        ValueError: If there are not as many truths as predictions, or a truth is blank.

    Example:
        >>> textual_inclusion(["cat", "dog", "dog"], ["Black cat", "wolf", None])
        tensor(0.3333)
    """
    return share_of_yes(yes_counts(included(truths, predictions)))


def included(truths: Sequence[str], predictions: Sequence[str | None]) -> list[bool]:
    """`is_included` of each pair; raises as `textual_inclusion`."""
    if len(truths) != len(predictions):
        raise ValueError(
            f"predictions: expected one for each of {len(truths)} truths, got {len(predictions)}"
        )
    return [is_included(*pair) for pair in zip(truths, predictions, strict=True)]


def llm_inclusion(answers: Iterable[bool | None]) -> Tensor:
    """Share of a yes among what an LLM said when asked whether a prediction names its truth.

    Args:
        answers: One a prediction; False for an unparsed prediction, None where the LLM gave no
            answer, which is left out.

    Returns:
        Scalar from 0 to 1; NaN if there is no answer.

    Raises:
        ValueError: If an answer is neither a bool nor None.

    Example:
        >>> llm_inclusion([True, False, None, True])
        tensor(0.6667)
    """
    return share_of_yes(yes_counts(answers))


def yes_counts(answers: Iterable[bool | None]) -> Tensor:
    """Count answers; int64 [3] in the order of `YES_LABELS`.

    Raises:
        ValueError: If an answer is neither a bool nor None.

    Example:
        >>> yes_counts([True, False, None, True])
        tensor([2, 1, 1])
    """
    given = list(answers)
    odd = [answer for answer in given if not (answer is None or isinstance(answer, bool))]
    if odd:
        raise ValueError(f"answers: expected True, False or None, got {odd[0]!r}")
    counts = [sum(answer is kind for answer in given) for kind in (True, False, None)]
    return torch.tensor(counts, dtype=torch.int64)


def share_of_yes(counts: Tensor) -> Tensor:
    """Share of a yes among the answers; [..., 3] -> [...], NaN where there is no answer."""
    counts = as_real(counts)
    return counts[..., 0] / counts[..., :2].sum(-1)


def share_of_yes_interval(counts: Tensor, confidence: float = 0.95) -> Tensor:
    """Wilson interval of `share_of_yes`; [..., 3] -> float64 [..., 2].

    Raises:
        ValueError: If `confidence` is not between 0 and 1.

    Example:
        >>> share_of_yes_interval(torch.tensor([8, 2, 5]))
        tensor([0.4902, 0.9433], dtype=torch.float64)
    """
    return wilson_interval(counts[..., 0], counts[..., :2].sum(-1), confidence)
