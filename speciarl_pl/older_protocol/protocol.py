"""All metrics of the older protocol over the predictions of one data set."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

from speciarl_pl.judge import Judge, judge_pairs
from speciarl_pl.metrics.functional import clustered_interval, is_included, wilson_interval
from speciarl_pl.metrics.functional.judge_coverage import (
    COVERAGE_LABELS,
    coverage_counts,
    coverage_interval,
    coverage_rates,
)
from speciarl_pl.metrics.functional.numbers import interval, number
from speciarl_pl.older_protocol.hierarchy import AncestorSets, hierarchical
from speciarl_pl.older_protocol.phrases import SMALL_ENGLISH, NounPhrases
from speciarl_pl.older_protocol.prediction import (
    DistinctPairs,
    Prediction,
    TextPair,
    distinct_pairs,
)
from speciarl_pl.older_protocol.similarities import (
    MINI_LM,
    Embedder,
    PhrasesOf,
    pair_similarities,
    whole_texts,
)
from speciarl_pl.records import Pair, Verdict

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
        "ci95": interval(coverage_interval(counts)),
        "n": int(counts.sum()),
        "by_source": {source: rates[f"{source}_share"] for source in _SOURCES},
    }


# LLM inclusion: a judge is asked whether each answer names its truth.


def ask_inclusion(judge: Judge, pairs: Sequence[TextPair]) -> list[bool | None]:
    """Ask `judge` about each pair; a verdict that is correct is a yes.

    Made for an `LLMJudge` with the prompt `inclusion`, which answers yes or no; any judge does.

    Args:
        judge: An opened judge.
        pairs: Truths and answers.

    Returns:
        One answer a pair: False for an unparsed answer, about which nobody is asked; None where the
        judge has no verdict.

    Raises:
        JudgeError: If the judge breaks its contract; see `judge_pairs`.

    Example:
        >>> from speciarl_pl.judge import ExactJudge
        >>> ask_inclusion(ExactJudge(), [("cat", "Cat"), ("cat", "dog"), ("cat", None)])
        [True, False, False]
    """
    asked = [Pair(truth, answer) for truth, answer in pairs if answer is not None]
    judgements = iter(judge_pairs(judge, asked))
    answers: list[bool | None] = []
    for _, answer in pairs:
        judgement = next(judgements) if answer is not None else None
        said = judgement.category.is_correct if isinstance(judgement, Verdict) else None
        answers.append(False if answer is None else said)
    return answers


# Scores as plain numbers for a JSON file.


def share(values: Tensor, found: DistinctPairs) -> dict[str, Any]:
    """Share of a yes, with its interval.

    Args:
        values: float64 [pairs]: 1 for yes, 0 for no, NaN for a pair to leave out.
        found: The pairs.

    Returns:
        `value` and `ci95` (None where undefined), `n` predictions behind them and `left_out`. The
        interval is Wilson's, or that of clusters if images have several predictions.

    Example:
        >>> from speciarl_pl.older_protocol.prediction import distinct_pairs
        >>> from speciarl_pl.older_protocol.prediction import Prediction
        >>> found = distinct_pairs(Prediction("cat", answer) for answer in ("cat", "dog", "lynx"))
        >>> scored = share(torch.tensor([1.0, 0.0, torch.nan]), found)
        >>> scored["value"], scored["n"], scored["left_out"]
        (0.5, 2, 1)
        >>> [round(bound, 3) for bound in scored["ci95"]]
        [0.095, 0.905]
    """
    kept, images, scored = _kept(values, found)
    if found.repeats_images:
        return scored | {"ci95": _clustered(kept, images, 0.0)}
    return scored | {"ci95": interval(wilson_interval(kept.sum(), torch.tensor(kept.numel())))}


def mean(values: Tensor, found: DistinctPairs) -> dict[str, Any]:
    """Mean of values from -1 to 1; as `share`, but the interval is always that of clusters.

    With one prediction an image, that is the normal interval of a mean.
    """
    kept, images, scored = _kept(values, found)
    return scored | {"ci95": _clustered(kept, images, -1.0)}


def _kept(values: Tensor, found: DistinctPairs) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Value and image of each prediction that is not left out, and what is said of them."""
    each = values.double()[found.pair_of]
    keep = ~each.isnan()
    kept = each[keep]
    scored = {"value": number(kept.mean()), "ci95": None, "n": kept.numel()}
    return kept, found.image_of[keep], scored | {"left_out": int((~keep).sum())}


def _clustered(values: Tensor, images: Tensor, lowest: float) -> list[float] | None:
    return interval(clustered_interval(values, images).clamp(lowest, 1.0)) if len(values) else None
