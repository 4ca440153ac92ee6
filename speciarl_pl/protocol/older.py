"""All metrics of the older protocol over the predictions of one data set."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

from speciarl_pl.judge import Judge
from speciarl_pl.metrics.functional import is_included
from speciarl_pl.metrics.functional.judge_coverage import (
    COVERAGE_LABELS,
    coverage_counts,
    coverage_interval,
    coverage_rates,
)
from speciarl_pl.protocol.embedder import MINI_LM, Embedder
from speciarl_pl.protocol.hierarchy import hierarchical
from speciarl_pl.protocol.inclusion import ask_inclusion
from speciarl_pl.protocol.numbers import bounds, mean, number, share
from speciarl_pl.protocol.pairs import DistinctPairs, TextPair, distinct_pairs
from speciarl_pl.protocol.phrases import SMALL_ENGLISH, NounPhrases
from speciarl_pl.protocol.prediction import Prediction
from speciarl_pl.protocol.similarities import PhrasesOf, pair_similarities, whole_texts
from speciarl_pl.protocol.taxonomies import AncestorSets

_SOURCES: Final = tuple(label for label in COVERAGE_LABELS if label not in ("unjudged", "cached"))
"""What may have given a verdict; rollouts.parquet does not say whether it came from a store."""


class OlderProtocol:
    """Scores answers by the older protocol (paper, section 5; Conti et al., ICCV 2025).

    Its four metrics compare truth and answer without levels. Two more come along: hierarchical
    precision, recall and F1 where a tree is known, and how much the judge of the run covered.

    Each distinct pair of truth and answer is looked at once, and the order of the predictions makes
    no difference. An unparsed answer includes nothing and is like nothing (0). What has no truth is
    left out. Intervals are of 95 % and allow for several answers to one image.

    Args:
        textual_inclusion: Whether the lower-cased truth is part of the lower-cased answer.
        semantic_similarity: Cosine of their sentence embeddings; needs the extra `similarity`.
        concept_similarity: Best cosine between the truth and the answer's noun phrases, or the
            answer if it has none; needs the extra `similarity`.
        encoder: Sentence-transformers model for both, by name on the hub or path.
        phrases: spaCy pipeline that finds the noun phrases, by name or path.
        llm_inclusion: Judge that says whether the answer names the truth; it is opened when it is
            asked, and any verdict from generic up is a yes. An `LLMJudge` with the prompt
            `inclusion` answers yes or no.
        hierarchical: Whether to give hierarchical scores where a taxonomy is known.

    Raises:
        ValueError: If `encoder` or `phrases` is blank.

    Example:
        >>> predictions = [Prediction("cat", "a cat"), Prediction("cat", "dog")]
        >>> scores = OlderProtocol().scores(predictions)
        >>> scores["textual_inclusion"]["value"], scores["judge_coverage"]["value"]
        (0.5, 0.0)
    """

    def __init__(
        self,
        textual_inclusion: bool = True,
        semantic_similarity: bool = False,
        concept_similarity: bool = False,
        encoder: str = MINI_LM,
        phrases: str = SMALL_ENGLISH,
        llm_inclusion: Judge | None = None,
        hierarchical: bool = True,
    ) -> None:
        self.textual_inclusion = textual_inclusion
        self.semantic_similarity = semantic_similarity
        self.concept_similarity = concept_similarity
        self.llm_inclusion = llm_inclusion
        self.hierarchical = hierarchical
        self._embedder, self._phrases = Embedder(encoder), NounPhrases(phrases)

    def check(self) -> None:
        """Load what the metrics need, so that a run that lacks something ends before it begins.

        Raises:
            MissingExtraError: If an optional package is absent.
            ValueError: If the encoder or the pipeline cannot be loaded.
            JudgeUnavailableError: If the judge of the LLM inclusion does not answer.
        """
        if self.semantic_similarity or self.concept_similarity:
            self._embedder.load()
        if self.concept_similarity:
            self._phrases.load()
        if self.llm_inclusion is not None:
            with self.llm_inclusion as judge:
                judge.check()

    def scores(
        self, predictions: Sequence[Prediction], taxonomy: str | None = None
    ) -> dict[str, Any]:
        """Score the predictions of one data set.

        Args:
            predictions: In any order.
            taxonomy: Name or path of the tree of the data set; None if there is none.

        Returns:
            By name of the metric what `json` can write: for the four metrics `value`, `ci95`, `n`
            and `left_out`; see `hierarchical` for the scores by a tree; for `judge_coverage`
            `value`, `ci95`, `n` parsed predictions and `by_source`, shares of them that add up to
            the value. Numbers that are undefined are None. A metric that is off is absent.

        Raises:
            MissingExtraError: If an optional package is absent.
            ValueError: If the encoder or the pipeline cannot be loaded.
            JudgeError: If there is no such taxonomy, its file is malformed, or the judge of the
                LLM inclusion breaks its contract. If it merely does not answer, its pairs are left
                out.
        """
        found = distinct_pairs(predictions)
        scored: dict[str, Any] = {}
        if self.textual_inclusion:
            scored["textual_inclusion"] = share(_textual(found.pairs), found)
        if self.llm_inclusion is not None:
            scored["llm_inclusion"] = share(_asked(self.llm_inclusion, found.pairs), found)
        if self.semantic_similarity:
            scored["semantic_similarity"] = self._similarity(found, whole_texts)
        if self.concept_similarity:
            scored["concept_similarity"] = self._similarity(found, self._phrases.find)
        if self.hierarchical and taxonomy is not None:
            scored["hierarchical"] = hierarchical(found, AncestorSets(taxonomy))
        return scored | {"judge_coverage": _coverage(predictions)}

    def _similarity(self, found: DistinctPairs, phrases_of: PhrasesOf) -> dict[str, Any]:
        return mean(pair_similarities(found.pairs, self._embedder, phrases_of), found)


def _textual(pairs: Sequence[TextPair]) -> Tensor:
    return torch.tensor([is_included(*pair) for pair in pairs], dtype=torch.float64)


def _asked(judge: Judge, pairs: Sequence[TextPair]) -> Tensor:
    with judge:
        answers = ask_inclusion(judge, pairs)
    values = [torch.nan if answer is None else float(answer) for answer in answers]
    return torch.tensor(values, dtype=torch.float64)


def _coverage(predictions: Sequence[Prediction]) -> dict[str, Any]:
    counts = coverage_counts(one.outcome for one in predictions).double()
    rates = {name: number(rate) for name, rate in coverage_rates(counts).items()}
    return {
        "value": rates["coverage"],
        "ci95": bounds(coverage_interval(counts)),
        "n": int(counts.sum()),
        "by_source": {source: rates[f"{source}_share"] for source in _SOURCES},
    }
