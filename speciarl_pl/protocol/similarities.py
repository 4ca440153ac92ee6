"""How alike the pairs of a run are in the eyes of an encoder, in bounded memory."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import torch
from torch import Tensor

from speciarl_pl.metrics.functional import cosines
from speciarl_pl.protocol.embedder import Embedder
from speciarl_pl.protocol.pairs import TextPair

PhrasesOf: TypeAlias = Callable[[Sequence[str]], list[tuple[str, ...]]]
"""The phrases by which each answer is compared, at least one."""

_CHUNK: Final = 4096
"""Pairs whose embeddings are held at once."""


def whole_texts(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Each text as its only phrase, for semantic similarity.

    Example:
        >>> whole_texts(["a red car"])
        [('a red car',)]
    """
    return [(text,) for text in texts]


def pair_similarities(
    pairs: Sequence[TextPair], embedder: Embedder, phrases_of: PhrasesOf = whole_texts
) -> Tensor:
    """Best cosine between each truth and the phrases of its answer.

    Args:
        pairs: Best with equal answers side by side, so that these are encoded once.
        embedder: The encoder.
        phrases_of: What an answer is compared by.

    Returns:
        float64 [pairs], from -1 to 1; 0 for an unparsed answer.

    Raises:
        MissingExtraError: If an optional package is absent.
        ValueError: If the model cannot be loaded.
    """
    chunks = [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
    found = [_chunk_similarities(chunk, embedder, phrases_of) for chunk in chunks]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)


def _chunk_similarities(
    pairs: Sequence[TextPair], embedder: Embedder, phrases_of: PhrasesOf
) -> Tensor:
    answers = list(dict.fromkeys(_sound(answer) for _, answer in pairs if answer is not None))
    phrases = dict(zip(answers, phrases_of(answers), strict=True))
    rows = [
        (row, _sound(truth), phrase)
        for row, (truth, answer) in enumerate(pairs)
        if answer is not None
        for phrase in phrases[_sound(answer)]
    ]
    best = torch.zeros(len(pairs), dtype=torch.float64)
    if not rows:
        return best
    places, truths, parts = zip(*rows, strict=True)
    embeddings = embedder.encode((*truths, *parts))
    values = cosines(embeddings[: len(rows)], embeddings[len(rows) :])
    return best.scatter_reduce(0, torch.tensor(places), values, "amax", include_self=False)


def _sound(text: str) -> str:
    """The text with a question mark for each lone surrogate, which no tokenizer takes."""
    return text.encode(errors="replace").decode()
