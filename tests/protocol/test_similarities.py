import numpy as np
import pytest
import torch
from protocol.real_models import PIPELINE, needs_encoder, needs_pipeline

from speciarl_pl.older_protocol import similarities
from speciarl_pl.older_protocol.phrases import NounPhrases
from speciarl_pl.older_protocol.similarities import pair_similarities

PAIRS = [
    ("Samoyed", None),
    ("Boeing 707-320", "A Boeing 707 at an airport"),
    ("Samoyed", "a white dog on green grass"),
    ("Samoyed", "is white"),
    ("lion", "a white dog on green grass"),
    ("lion", "lion"),
    ("lion", "a \ud800 lion"),
]


class Letters:
    """Embeds a text as how often it holds each letter."""

    def __init__(self):
        self.calls = []

    def encode(self, texts):
        self.calls.append(list(texts))
        return torch.tensor([[float(text.count(c)) for c in "abcdefghij"] for text in texts])


def plain(truth, parts):
    """Best cosine by a plain loop."""
    count = lambda text: np.array([text.count(c) for c in "abcdefghij"], dtype=float)  # noqa: E731
    one, best = count(truth), -2.0
    for part in parts:
        other = count(part)
        best = max(best, one @ other / (np.linalg.norm(one) * np.linalg.norm(other) or 1))
    return best


@pytest.mark.parametrize("chunk", [1, 2, 4096])
def test_equals_a_plain_loop_in_chunks_of_any_size(chunk, monkeypatch):
    monkeypatch.setattr(similarities, "_CHUNK", chunk)
    pairs = [("bad", "a cab"), ("bad", "dada"), ("cafe", "dada"), ("jig", None), ("abc", "xyz")]
    words = pair_similarities(pairs, Letters(), lambda texts: [tuple(t.split()) for t in texts])
    expected = [0.0 if a is None else plain(t, a.split()) for t, a in pairs]
    assert words.tolist() == pytest.approx(expected)
    whole = pair_similarities(pairs, Letters())
    expected = [0.0 if a is None else plain(t, [a]) for t, a in pairs]
    assert whole.tolist() == pytest.approx(expected)


def test_holds_few_embeddings_at_once(monkeypatch):
    monkeypatch.setattr(similarities, "_CHUNK", 10)
    encoder = Letters()
    pair_similarities([("bad", f"cab {number:03}") for number in range(95)], encoder)
    assert len(encoder.calls) == 10
    assert max(len(set(texts)) for texts in encoder.calls) <= 11


def test_no_pairs():
    assert pair_similarities([], Letters()).shape == (0,)
    assert pair_similarities([("a", None)], Letters()).tolist() == [0.0]


@needs_encoder
@pytest.mark.slow
def test_semantic_similarity_by_the_real_encoder(embedder):
    found = pair_similarities(PAIRS, embedder)
    for (truth, answer), value in zip(PAIRS[1:6], found[1:6].tolist(), strict=True):
        one, other = embedder.encode([truth, answer]).double().numpy()
        cosine = one @ other / np.sqrt((one @ one) * (other @ other))
        assert value == pytest.approx(cosine, abs=1e-5)  # padding moves the last digits
    assert found[0] == 0.0
    assert found[5].item() == pytest.approx(1.0)
    assert 0.4 < found[6] < 1
    assert found[6] > found[4]


@needs_encoder
@needs_pipeline
@pytest.mark.slow
def test_concept_similarity_by_the_real_encoder_and_pipeline(embedder):
    found = pair_similarities(PAIRS, embedder, NounPhrases(PIPELINE).find)
    by_hand = {
        1: ["A Boeing", "an airport"],
        2: ["a white dog", "green grass"],
        3: ["is white"],
        5: ["lion"],
    }
    for place, parts in by_hand.items():
        truth, *others = embedder.encode([PAIRS[place][0], *parts]).double().numpy()
        best = max(truth @ o / np.sqrt((truth @ truth) * (o @ o)) for o in others)
        assert found[place].item() == pytest.approx(best, abs=1e-5)
    assert found[0] == 0.0


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_embeddings_that_are_no_numbers(value):
    class Broken(Letters):
        def encode(self, texts):
            return super().encode(texts) * value

    with pytest.raises(ValueError, match="encoder: expected finite embeddings, got NaN or infin"):
        pair_similarities([("bad", "cab")], Broken())
