import pytest
import torch

from speciarl_pl.policy.rows.logprob import score_tokens

TOKENS, HIDDEN, VOCABULARY = 11, 8, 50


def inputs():
    draw = torch.Generator().manual_seed(0)
    hidden = torch.randn(TOKENS, HIDDEN, generator=draw)
    weight = torch.randn(VOCABULARY, HIDDEN, generator=draw)
    return hidden, weight, torch.randint(5, VOCABULARY, (TOKENS,), generator=draw)


def slow_scores(hidden, weight, targets, temperature, banned):
    """Token by token, over the allowed part of the vocabulary only."""
    allowed = [token for token in range(VOCABULARY) if token not in banned]
    logprobs, entropies = [], []
    for state, target in zip(hidden.double(), targets.tolist(), strict=True):
        logits = (weight.double()[allowed] @ state) / temperature
        probabilities = logits.exp() / logits.exp().sum()
        logprobs.append(probabilities[allowed.index(target)].log())
        entropies.append(-(probabilities * probabilities.log()).sum())
    return torch.stack(logprobs), torch.stack(entropies)


@pytest.mark.parametrize("rows", [1, 3, 11, 1000], ids=lambda n: f"chunks_of_{n}")
@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("banned", [[], [0, 3]], ids=["none_banned", "two_banned"])
def test_scores_and_gradient_equal_a_slow_loop(rows, temperature, banned):
    hidden, weight, targets = inputs()
    slow_hidden = hidden.clone().requires_grad_()
    fast_hidden = hidden.clone().requires_grad_()
    slow, slow_entropy = slow_scores(slow_hidden, weight, targets, temperature, banned)
    fast = score_tokens(
        fast_hidden,
        weight,
        targets,
        temperature=temperature,
        banned=torch.tensor(banned, dtype=torch.int64),
        chunk=rows,
    )
    mix = torch.linspace(-1, 2, TOKENS)
    (slow * mix).sum().backward()
    (fast.logprobs * mix).sum().backward()
    assert torch.allclose(fast.logprobs.double(), slow, atol=1e-5)
    assert torch.allclose(fast.entropy.double(), slow_entropy, atol=1e-5)
    assert torch.allclose(fast_hidden.grad, slow_hidden.grad, atol=1e-5)


def test_no_matrix_of_tokens_by_vocabulary_is_kept():
    hidden, weight, targets = inputs()
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: saved.append(t.numel()) or t, lambda t: t
    ):
        score_tokens(
            hidden.requires_grad_(), weight, targets, temperature=1.0, banned=torch.tensor([0])
        )
    assert max(saved) <= TOKENS * HIDDEN


def test_entropy_is_zero_if_not_asked_for_and_carries_no_gradient():
    hidden, weight, targets = inputs()
    hidden.requires_grad_()
    options = {"temperature": 1.0, "banned": torch.tensor([0])}
    assert score_tokens(hidden, weight, targets, entropy=False, **options).entropy.sum() == 0
    assert not score_tokens(hidden, weight, targets, **options).entropy.requires_grad


def test_probabilities_over_the_allowed_tokens_sum_to_one():
    hidden, weight, _ = inputs()
    allowed = torch.arange(2, VOCABULARY)
    scores = score_tokens(
        hidden[:1].expand(len(allowed), -1),
        weight,
        allowed,
        temperature=1.0,
        banned=torch.tensor([0, 1]),
    )
    assert scores.logprobs.exp().sum().item() == pytest.approx(1, abs=1e-5)


BFLOAT16_GAPS = 1e-5, 1e-5, 1e-2
"""Nats of a log-probability and of an entropy, which are float32 sums of the same 16-bit numbers,
and the share of a token's gradient, which is rounded to them."""


@pytest.mark.parametrize("autocast", [False, True], ids=["bare", "autocast"])
@pytest.mark.parametrize("rows", [3, 1000], ids=lambda n: f"chunks_of_{n}")
@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("banned", [[], [0, 3]], ids=["none_banned", "two_banned"])
def test_with_bfloat16_they_equal_a_slow_loop_too(rows, temperature, banned, autocast):
    """Under autocast too, which would round the products inside, and make the entropy NaN."""
    hidden, weight, targets = inputs()
    slow_hidden = hidden.bfloat16().double().requires_grad_()
    fast_hidden = hidden.bfloat16().requires_grad_()
    slow, slow_entropy = slow_scores(slow_hidden, weight.bfloat16(), targets, temperature, banned)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        fast = score_tokens(
            fast_hidden,
            weight.bfloat16(),
            targets,
            temperature=temperature,
            banned=torch.tensor(banned, dtype=torch.int64),
            chunk=rows,
        )
    mix = torch.linspace(-1, 2, TOKENS)
    (slow * mix).sum().backward()
    (fast.logprobs * mix).sum().backward()
    assert fast.logprobs.dtype == fast.entropy.dtype == torch.float32
    assert (fast.logprobs - slow).abs().max() < BFLOAT16_GAPS[0]
    assert (fast.entropy - slow_entropy).abs().max() < BFLOAT16_GAPS[1]
    gaps = (fast_hidden.grad - slow_hidden.grad).norm(dim=-1) / slow_hidden.grad.norm(dim=-1)
    assert gaps.max() < BFLOAT16_GAPS[2]
