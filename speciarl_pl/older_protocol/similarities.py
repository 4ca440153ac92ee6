"""How alike the pairs of a run are in the eyes of an encoder, in bounded memory."""

import logging
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor

from speciarl_pl.errors import MissingExtraError
from speciarl_pl.hub_ids import pinned
from speciarl_pl.older_protocol.text_pairs import TextPair
from speciarl_pl.policy.base_model import quiet

# Embeddings of short texts by a sentence-transformers model.


MINI_LM: Final = "sentence-transformers/all-MiniLM-L6-v2"
"""The encoder of the older protocol (paper, section 5)."""

_BATCH: Final = 256

_log = logging.getLogger(__name__)


class Embedder:
    """Encodes texts, each distinct one once; on the GPU if there is one that has room.

    Between calls the model lies in the main memory, so that it takes nothing from a policy.

    Args:
        encoder: Name of a model on the hub, or path of a folder.

    Raises:
        ValueError: If `encoder` is blank.
    """

    def __init__(self, encoder: str = MINI_LM) -> None:
        if not encoder.strip():
            raise ValueError(f"encoder: expected the name or path of a model, got {encoder!r}")
        self.encoder = encoder
        self._model: Any = None

    def load(self) -> None:
        """Load the model, if it is not yet.

        Raises:
            MissingExtraError: If sentence-transformers is not installed.
            ValueError: If the model cannot be loaded.
        """
        if self._model is None:
            self._model = _load(self.encoder)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Encode `texts`.

        Returns:
            float32 [texts, D] on the CPU; equal texts have equal rows.

        Raises:
            MissingExtraError: As `load`.
            ValueError: As `load`.
        """
        self.load()
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        if not rows:
            return torch.zeros(0, int(self._model.get_embedding_dimension()))
        return self._encoded(list(rows))[[rows[text] for text in texts]]

    def _encoded(self, texts: list[str]) -> Tensor:
        if torch.cuda.is_available():
            try:
                return self._on("cuda", texts)
            except torch.OutOfMemoryError:
                _log.warning("no room for %s on the GPU; it goes on on the CPU", self.encoder)
            finally:
                self._model.to("cpu")
        return self._on("cpu", texts)

    def _on(self, device: str, texts: list[str]) -> Tensor:
        embeddings: Tensor = self._model.to(device).encode(
            texts, batch_size=_BATCH, convert_to_tensor=True, show_progress_bar=False
        )
        return embeddings.float().cpu()


def _load(encoder: str) -> Any:
    if find_spec("sentence_transformers") is None:
        raise MissingExtraError("sentence-transformers", "similarity")
    with quiet():
        library = import_module("sentence_transformers")
        try:
            name, revision = pinned(encoder)
            options = {"revision": revision, "trust_remote_code": False}
            return library.SentenceTransformer(name, device="cpu", **options)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"encoder: expected a model of sentence-transformers, on the hub or in a folder, "
                f"got {encoder!r}: {reason}; without a network give the path of a downloaded copy"
            ) from error


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


def cosines(truths: Tensor, predictions: Tensor) -> Tensor:
    """Cosine of the angle between vectors, one a row.

    Args:
        truths: [n, D].
        predictions: [n, D].

    Returns:
        float64 [n], from -1 to 1; 0 where a vector is zero.

    Raises:
        ValueError: If a vector holds NaN or infinity.

    Example:
        >>> cosines(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
        tensor([1., 0.], dtype=torch.float64)
    """
    for vectors in (truths, predictions):
        if not bool(vectors.isfinite().all()):
            raise ValueError("encoder: expected finite embeddings, got NaN or infinity")
    return (_unit(truths) * _unit(predictions)).sum(-1).clamp(-1.0, 1.0)


def _unit(vectors: Tensor) -> Tensor:
    exact = vectors.double()
    norms = exact.square().sum(-1, keepdim=True).sqrt()
    return exact / norms.masked_fill(norms == 0, 1.0)


def _sound(text: str) -> str:
    """The text with a question mark for each lone surrogate, which no tokenizer takes."""
    return text.encode(errors="replace").decode()
