"""All metrics of the older protocol (Conti et al., ICCV 2025) over one data set."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.judge import Judge, judge_pairs
from speciarl_pl.metrics.functional import clustered_interval, wilson_interval
from speciarl_pl.metrics.functional.numbers import interval, number
from speciarl_pl.older_protocol.phrases import SMALL_ENGLISH, NounPhrases
from speciarl_pl.older_protocol.similarities import (
    MINI_LM,
    Embedder,
    PhrasesOf,
    pair_similarities,
    whole_texts,
)
from speciarl_pl.older_protocol.text_pairs import (
    DistinctPairs,
    TextPair,
)
from speciarl_pl.records import Pair, Verdict


class OlderProtocol:
    """Scores answers by the older protocol (paper, section 5; Conti et al., ICCV 2025).

    Its four metrics compare truth and answer without levels. Each distinct pair of the two is
    looked at once. An unparsed answer includes nothing and is like nothing (0). What has no truth
    is left out. Intervals are of 95 % and allow for several answers to one image.

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
        hierarchical: Whether `validate` adds scores by the tree of a data set, where it has one;
            see `tree_scores`.

    Raises:
        ValueError: If `encoder` or `phrases` is blank.

    Example:
        >>> from speciarl_pl.older_protocol import Prediction, distinct_pairs
        >>> found = distinct_pairs([Prediction("cat", "a cat"), Prediction("cat", "dog")])
        >>> OlderProtocol().scores(found)["textual_inclusion"]["value"]
        0.5
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

    def scores(self, found: DistinctPairs) -> dict[str, dict[str, Any]]:
        """Score the predictions of one data set.

        Args:
            found: As of `distinct_pairs`.

        Returns:
            By name of the metric `value`, `ci95`, `n` and `left_out`, as `json` can write them.
            Numbers that are undefined are None. A metric that is off is absent.

        Raises:
            MissingExtraError: If an optional package is absent.
            ValueError: If the encoder or the pipeline cannot be loaded.
            JudgeError: If the judge of the LLM inclusion breaks its contract. If it merely does not
                answer, its pairs are left out.
        """
        scored: dict[str, Any] = {}
        if self.textual_inclusion:
            scored["textual_inclusion"] = share(_textual(found.pairs), found)
        if self.llm_inclusion is not None:
            scored["llm_inclusion"] = share(_asked(self.llm_inclusion, found.pairs), found)
        if self.semantic_similarity:
            scored["semantic_similarity"] = self._similarity(found, whole_texts)
        if self.concept_similarity:
            scored["concept_similarity"] = self._similarity(found, self._phrases.find)
        return scored

    def _similarity(self, found: DistinctPairs, phrases_of: PhrasesOf) -> dict[str, Any]:
        return mean(pair_similarities(found.pairs, self._embedder, phrases_of), found)


def is_included(truth: str, prediction: str | None) -> bool:
    """Whether the lower-cased truth is a substring of the lower-cased prediction.

    Nothing else is folded, as in the protocol: `dog` is included in `hotdog`, and a hyphen counts.

    Args:
        truth: The label as written, not blank.
        prediction: The answer as written; None if it is unparsed, which includes nothing.

    Example:
        >>> is_included("Siamese", "a siamese cat"), is_included("Siamese cat", "a cat")
        (True, False)
    """
    return prediction is not None and truth.lower() in prediction.lower()


def _textual(pairs: Sequence[TextPair]) -> Tensor:
    return torch.tensor([is_included(*pair) for pair in pairs], dtype=torch.float64)


def _asked(judge: Judge, pairs: Sequence[TextPair]) -> Tensor:
    with judge:
        answers = ask_inclusion(judge, pairs)
    values = [torch.nan if answer is None else float(answer) for answer in answers]
    return torch.tensor(values, dtype=torch.float64)


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


def share(values: Tensor, found: DistinctPairs) -> dict[str, Any]:
    """Share of a yes, with its interval.

    Args:
        values: float64 [pairs]: 1 for yes, 0 for no, NaN for a pair to leave out.
        found: The pairs.

    Returns:
        `value` and `ci95` (None where undefined), `n` predictions behind them and `left_out`. The
        interval is Wilson's, or that of clusters if images have several predictions.

    Example:
        >>> from speciarl_pl.older_protocol import Prediction, distinct_pairs
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
    return scored | {"ci95": wilson_interval(int(kept.sum()), kept.numel())}


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
