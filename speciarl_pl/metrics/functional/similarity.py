"""Similarity of truth and prediction as embeddings see it.

Two of the four metrics of the older protocol (paper, section 5; Conti et al., ICCV 2025). The
embeddings come from outside: `speciarl_pl.older_protocol` has the encoder.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from speciarl_pl.metrics.functional.mean import mean_of, value_sums


def cosines(truths: Tensor, predictions: Tensor) -> Tensor:
    """Cosine of the angle between vectors, one a row.

    Args:
        truths: [..., D].
        predictions: [..., D], of the same shape or one that broadcasts.

    Returns:
        float64 [...], from -1 to 1; 0 where a vector is zero, which is how an unparsed prediction
        is given.

    Raises:
        ValueError: If the vectors do not have the same length, or hold NaN or infinity.

    Example:
        >>> cosines(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
        tensor([1., 0.], dtype=torch.float64)
    """
    if truths.shape[-1:] != predictions.shape[-1:]:
        raise ValueError(
            f"predictions: expected vectors of {truths.shape[-1]} numbers as the truths, got shape "
            f"{tuple(predictions.shape)}"
        )
    for name, vectors in (("truths", truths), ("predictions", predictions)):
        if not bool(vectors.isfinite().all()):
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return (_unit(truths) * _unit(predictions)).sum(-1).clamp(-1.0, 1.0)


def semantic_similarity(truths: Tensor, predictions: Tensor) -> Tensor:
    """Mean cosine of the sentence embeddings of truth and prediction.

    Args:
        truths: [n, D].
        predictions: [n, D]; zeros for an unparsed one, which counts as 0.

    Returns:
        float64 scalar from -1 to 1; NaN if n is 0.

    Raises:
        ValueError: As `cosines`.

    Example:
        >>> semantic_similarity(torch.tensor([[1.0, 0], [0, 1]]), torch.tensor([[1.0, 0], [1, 0]]))
        tensor(0.5000, dtype=torch.float64)
    """
    return mean_of(value_sums(cosines(truths, predictions)))


def best_cosines(truths: Tensor, concepts: Sequence[Tensor]) -> Tensor:
    """Cosine of each truth with the concept of its prediction that is most like it.

    Args:
        truths: [n, D].
        concepts: n tensors [concepts of that prediction, D]; with no row for an unparsed
            prediction, which counts as 0.

    Returns:
        float64 [n], from -1 to 1.

    Raises:
        ValueError: If there are not n tensors, or as `cosines`.

    Example:
        >>> best_cosines(torch.tensor([[1.0, 0.0]]), [torch.tensor([[0.0, 1.0], [1.0, 0.0]])])
        tensor([1.], dtype=torch.float64)
    """
    if len(truths) != len(concepts):
        raise ValueError(
            f"concepts: expected one tensor for each of {len(truths)} truths, got {len(concepts)}"
        )
    best = truths.new_zeros(len(truths), dtype=torch.float64)
    for place, (truth, rows) in enumerate(zip(truths, concepts, strict=True)):
        if len(rows):
            best[place] = cosines(truth, rows).max()
    return best


def concept_similarity(truths: Tensor, concepts: Sequence[Tensor]) -> Tensor:
    """Mean over the predictions of `best_cosines`.

    The concepts of a prediction are its noun phrases, or the whole prediction if it has none.

    Args:
        truths: [n, D].
        concepts: As for `best_cosines`.

    Returns:
        float64 scalar from -1 to 1; NaN if n is 0.

    Raises:
        ValueError: As `best_cosines`.

    Example:
        >>> concept_similarity(torch.tensor([[1.0, 0.0]]), [torch.tensor([[0.0, 1.0], [1.0, 0.0]])])
        tensor(1., dtype=torch.float64)
    """
    return mean_of(value_sums(best_cosines(truths, concepts)))


def _unit(vectors: Tensor) -> Tensor:
    exact = vectors.double()
    norms = exact.square().sum(-1, keepdim=True).sqrt()
    return exact / norms.masked_fill(norms == 0, 1.0)
