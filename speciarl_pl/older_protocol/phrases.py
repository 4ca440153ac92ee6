"""Noun phrases of short texts by a spaCy pipeline."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from speciarl_pl.errors import MissingExtraError

SMALL_ENGLISH: Final = "en_core_web_sm"
"""spaCy's small English pipeline."""

_UNNEEDED: Final = ("ner", "lemmatizer")
_BATCH: Final = 256


class NounPhrases:
    """Finds the noun phrases of texts, as spaCy's `noun_chunks`.

    Args:
        pipeline: Name of an installed pipeline with a parser, or path of one.

    Raises:
        ValueError: If `pipeline` is blank.
    """

    def __init__(self, pipeline: str = SMALL_ENGLISH) -> None:
        if not pipeline.strip():
            raise ValueError(f"phrases: expected the name of a pipeline, got {pipeline!r}")
        self.pipeline = pipeline
        self._nlp: Any = None

    def load(self) -> None:
        """Load the pipeline, if it is not yet, and try it.

        Raises:
            MissingExtraError: If spaCy is not installed.
            ValueError: If the pipeline cannot be loaded or finds no noun phrases.
        """
        if self._nlp is None:
            self._nlp = _load(self.pipeline)

    def find(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Noun phrases of each text, as written and in order; the whole text if it has none.

        Raises:
            MissingExtraError: As `load`.
            ValueError: As `load`.
        """
        self.load()
        documents = self._nlp.pipe(texts, batch_size=_BATCH)
        return [
            tuple(chunk.text for chunk in document.noun_chunks) or (text,)
            for text, document in zip(texts, documents, strict=True)
        ]


def _load(pipeline: str) -> Any:
    if find_spec("spacy") is None:
        raise MissingExtraError("spaCy", "similarity")
    library = import_module("spacy")
    try:
        nlp = library.load(pipeline, exclude=_UNNEEDED)
        list(nlp("a dog").noun_chunks)
    except (OSError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"phrases: expected a spaCy pipeline that parses, by name or path, got {pipeline!r}: "
            f"{reason}; run: python -m spacy download {SMALL_ENGLISH}"
        ) from error
    return nlp
