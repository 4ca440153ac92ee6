"""Pairs that cannot be asked about in another form."""

from speciarl_pl.answer import answer_key
from speciarl_pl.category import Category
from speciarl_pl.records import Pair
from speciarl_pl.refusal import is_refusal


def why_left_out(pair: Pair, category: Category | None) -> str | None:
    """Why a pair is neither swapped nor reworded; None if it can be.

    Args:
        pair: The pair as it was asked.
        category: What the judge said; None if it is unjudged.

    Returns:
        `unjudged`: there is nothing to compare with. `refusal`: to the judge or by our own rules;
        a refusal names nothing that could be a truth or be put in other words. `blank`: no text.

    Example:
        >>> why_left_out(Pair("Samoyed", "I don't know"), Category.WRONG)
        'refusal'
        >>> why_left_out(Pair("Samoyed", "dog"), Category.GENERIC) is None
        True
    """
    if category is None:
        return "unjudged"
    if not answer_key(pair.prediction):
        return "blank"
    if category is Category.ABSTAIN or is_refusal(pair.prediction):
        return "refusal"
    return None
