"""A page of a user's own photos: what the model says of each, and how sure it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from speciarl_pl.report.facts import PROMPT_TEXT
from speciarl_pl.report.gallery import MAX_ANSWERS
from speciarl_pl.report.templates import render, script
from speciarl_pl.run.predictions import PhotoPrediction
from speciarl_pl.run.thumbnails import thumbnail
from speciarl_pl.system.files import replacing

LOW: Final = 0.5
"""Agreement below this is low: most rollouts say something else."""

_LONGEST: Final = 2000
_MODEL: Final = ("base", "adapter", "prompt")


def write_photos_page(
    path: Path,
    predictions: Sequence[PhotoPrediction],
    total: int | None = None,
    ran: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a page that needs no network.

    Args:
        path: Where to.
        predictions: The photos that it shows, in order.
        total: How many photos there are in all; None: those that it shows.
        ran: What ran, as of `prediction_facts`.

    Raises:
        RunError: If the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> votes = [("Samoyed", 1)]
        >>> photo = PhotoPrediction("a", "a.jpg", "Samoyed", False, 1.0, votes, "")
        >>> with TemporaryDirectory() as folder:
        ...     write_photos_page(Path(folder, "photos.html"), [photo])
        ...     "Samoyed" in Path(folder, "photos.html").read_text()
        True
    """
    cards = [_card(photo) for photo in predictions]
    kinds = Counter(card["tags"][0] for card in cards)
    total = len(cards) if total is None else total
    note = (
        f"{len(cards):,} of {total:,} photos shown. " if total != len(cards) else ""
    ) + "Agreement is the share of rollouts that give the answer: a confidence, not a promise."
    page = render(
        "photos.html.jinja",
        [script("gallery.js.jinja")],
        cards=cards,
        note=note,
        model=", ".join(f"{name} {ran[name]}" for name in _MODEL if name in ran),
        facts={name: value for name, value in ran.items() if name != PROMPT_TEXT},
        prompt=ran.get(PROMPT_TEXT, ""),
        counts={
            "photos shown": len(cards),
            "answered": kinds["answered"],
            "abstained": kinds["abstained"],
            "without a readable answer": kinds["unread"],
            "that could not be opened": kinds["broken"],
            f"with agreement below {LOW:.0%}": sum("low" in card["tags"] for card in cards),
        },
        low=LOW,
        most=MAX_ANSWERS,
    )
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")


def _card(photo: PhotoPrediction) -> dict[str, Any]:
    return {
        "photo": photo,
        "tags": [_kind(photo), *(["low"] if _is_low(photo) else [])],
        "rollouts": sum(votes for _, votes in photo.answers),
        "picture": thumbnail(photo.jpeg) if photo.jpeg else None,
        "thinking": photo.thinking[:_LONGEST],
        "cut": max(0, len(photo.thinking) - _LONGEST),
    }


def _is_low(photo: PhotoPrediction) -> bool:
    return photo.agreement is not None and photo.agreement < LOW


def _kind(photo: PhotoPrediction) -> str:
    if photo.error:
        return "broken"
    if photo.abstained:
        return "abstained"
    return "unread" if photo.answer is None else "answered"
