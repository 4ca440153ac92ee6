import pytest
import torch
from scipy.stats import chisquare

from speciarl_pl.engine.generate import SeededSampler, _invert

LOGITS = torch.tensor([2.0, 0.5, -1.0, 1.0, 0.0, -3.0, 1.5])
ROWS = 8000


def draw(logits, seeds, temperature=1.0, top_p=1.0, banned=(), steps=1):
    """Tokens and log-probs [R, steps]; the logits are the same at every step."""
    sampler = SeededSampler(seeds, steps, temperature, top_p, banned)
    rows = logits.expand(len(seeds), -1) if logits.ndim == 1 else logits
    tokens = []
    for _ in range(steps):
        left = sampler(torch.zeros(len(seeds), 1, dtype=torch.int64), rows.clone())
        assert (left.isfinite().sum(dim=1) == 1).all()
        tokens.append(left.argmax(dim=1))
    return torch.stack(tokens, dim=1), sampler.logprobs


@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("banned", [(), (0, 4)], ids=["nothing banned", "two banned"])
def test_many_seeds_follow_the_softmax(temperature, banned):
    tokens, _ = draw(LOGITS, range(ROWS), temperature, banned=banned)
    kept = [token for token in range(len(LOGITS)) if token not in banned]
    expected = (LOGITS[kept] / temperature).softmax(dim=0).double()
    observed = torch.bincount(tokens[:, 0], minlength=len(LOGITS))
    assert not observed[list(banned)].any()
    assert chisquare(observed[kept], expected / expected.sum() * ROWS).pvalue > 1e-3


def test_later_steps_follow_it_too_and_are_independent():
    tokens, _ = draw(LOGITS, range(ROWS), steps=2)
    probabilities = LOGITS.softmax(dim=0).double()
    joint = torch.outer(probabilities, probabilities).flatten()
    often = joint * ROWS >= 5
    observed = torch.bincount(tokens[:, 0] * len(LOGITS) + tokens[:, 1], minlength=len(joint))
    counts, wanted = observed[often].double(), joint[often]
    assert chisquare(counts, wanted / wanted.sum() * counts.sum()).pvalue > 1e-3


@pytest.mark.parametrize("top_p", [1e-6, 0.3, 0.6, 0.9])
def test_top_p_stays_in_the_nucleus_and_keeps_its_proportions(top_p):
    tokens, _ = draw(LOGITS, range(ROWS), top_p=top_p)
    probabilities = LOGITS.softmax(dim=0).double()
    nucleus, total = [], 0.0
    for token in probabilities.argsort(descending=True).tolist():
        if total < top_p:
            nucleus.append(token)
            total += probabilities[token].item()
    observed = torch.bincount(tokens[:, 0], minlength=len(LOGITS))
    assert observed[nucleus].sum() == ROWS
    if len(nucleus) > 1:
        expected = probabilities[nucleus] / probabilities[nucleus].sum() * ROWS
        assert chisquare(observed[nucleus], expected).pvalue > 1e-3


def test_greedy_takes_the_likeliest_that_is_allowed():
    tokens, logprobs = draw(LOGITS, range(5), temperature=0.0)
    assert tokens.unique().tolist() == [0]
    assert torch.allclose(logprobs, LOGITS.log_softmax(dim=0)[0].expand(5, 1))
    assert draw(LOGITS, range(5), temperature=0.0, banned=[0])[0].unique().tolist() == [6]


def test_banned_tokens_are_never_drawn_however_likely():
    logits = torch.full((50,), -20.0).index_fill(0, torch.tensor([7, 8]), 20.0)
    tokens, logprobs = draw(logits, range(500), banned=[7, 8], steps=3)
    assert not torch.isin(tokens, torch.tensor([7, 8])).any()
    assert logprobs.isfinite().all()


def test_a_token_of_no_probability_is_never_drawn():
    logits = torch.tensor([-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf])
    tokens, logprobs = draw(logits, range(500), steps=2)
    assert set(tokens.flatten().tolist()) == {1, 3}
    assert logprobs.isfinite().all()


def test_a_row_does_not_depend_on_the_other_rows():
    logits = torch.randn(6, 40, generator=torch.Generator().manual_seed(0))
    seeds = [11, 12, 13, 14, 15, 16]
    together, logprobs = draw(logits, seeds, steps=4)
    order = [4, 0, 5]
    apart, apart_logprobs = draw(logits[order], [seeds[row] for row in order], steps=4)
    assert torch.equal(apart, together[order])
    assert torch.equal(apart_logprobs, logprobs[order])


def test_a_longer_limit_does_not_change_what_was_drawn():
    short, _ = draw(LOGITS, [5, 6], steps=3)
    sampler = SeededSampler([5, 6], 99, 1.0, 1.0, [])
    rows = torch.zeros(2, 1, dtype=torch.int64)
    first = [sampler(rows, LOGITS.expand(2, -1).clone()).argmax(dim=1) for _ in range(3)]
    assert torch.equal(torch.stack(first, dim=1), short)


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_logprobs_are_of_the_tempered_logits_under_the_ban_before_top_p(temperature):
    logits = torch.randn(4, 30, generator=torch.Generator().manual_seed(1))
    tokens, logprobs = draw(logits, range(4), temperature, top_p=0.5, banned=[3, 9], steps=2)
    allowed = (logits / temperature).index_fill(1, torch.tensor([3, 9]), -torch.inf)
    expected = allowed.log_softmax(dim=1).gather(1, tokens)
    torch.testing.assert_close(logprobs, expected)


def test_the_largest_number_still_lands_on_a_token_of_some_probability():
    """Its product with a total above 1 rounds up to the total."""
    weights = torch.tensor([[0.3, 0.5, 0.2, 0.0], [0.25, 0.25, 0.5, 0.0]])
    weights[0] *= 1.0000001
    number = torch.full((2, 1), 1 - 2**-53, dtype=torch.float64)
    assert _invert(weights, number).tolist() == [[2], [2]]
    assert _invert(weights, torch.zeros_like(number)).tolist() == [[0], [0]]
