"""Scores and gradients of tokens from p = .1 to .9999, in both number formats, against float64.

Stated tolerances, each relative to the token's own value: with bfloat16 states and weights 1 % of
the gradient (`onehot - p` and the product are rounded once each, to 1/256 of every entry; .4 % was
seen) and 1e-5 of the log-probability; with float32 1e-5 of both (4e-6 was seen).
"""

import pytest
import torch
from torch import nn

from speciarl_pl.policy.rows.logprob import scaled_logits, score_tokens, scores_of_logits
from speciarl_pl.policy.rows.wide import widen_head

SHARES = (0.1, 0.5, 0.9, 0.99, 0.994, 0.998, 0.999, 0.9999)
HIDDEN, VOCABULARY = 64, 200
TARGETS = torch.arange(10, 10 + len(SHARES))
LOSS = 2e-6 * torch.tensor([1.0, -1.3, 0.7, 3.1, -2.3, 1.9, -0.6, 1.1])
"""What the loss makes of each token, as small as in the paper's step."""
GRADIENT = {torch.bfloat16: 1e-2, torch.float32: 1e-5}
LOGPROB = 1e-5
formats = pytest.mark.parametrize(
    "dtype", [torch.bfloat16, torch.float32], ids=["bfloat16", "float32"]
)
settings = pytest.mark.parametrize(
    ("temperature", "banned"), [(1.0, []), (0.7, [0, 3]), (1.6, [5])], ids=str
)


def states_and_head(dtype, temperature, banned):
    """A state per share, and a head that gives each state's target about that share."""
    draw = torch.Generator().manual_seed(0)
    scale = HIDDEN**0.5
    states = torch.linalg.qr(torch.randn(HIDDEN, len(SHARES), generator=draw))[0].T * scale
    weight = torch.randn(VOCABULARY, HIDDEN, generator=draw) / 4
    allowed = [token for token in range(VOCABULARY) if token not in banned]
    for state, target, share in zip(states, TARGETS.tolist(), SHARES, strict=True):
        others = weight[[token for token in allowed if token != target]] @ state / temperature
        wanted = temperature * (others.logsumexp(0) + torch.tensor(share).logit())
        # The states are orthogonal, so this changes no other state's logits.
        weight[target] += (wanted - weight[target] @ state) * state / state.square().sum()
    return states.to(dtype), weight.to(dtype)


def slow_scores(states, weight, temperature, banned):
    """Token by token, in float64, over the allowed part of the vocabulary only."""
    allowed = [token for token in range(VOCABULARY) if token not in banned]
    logprobs = []
    for state, target in zip(states, TARGETS.tolist(), strict=True):
        logits = (weight.double()[allowed] @ state) / temperature
        logprobs.append(logits.log_softmax(-1)[allowed.index(target)])
    return torch.stack(logprobs)


def chunked(states, weight, temperature, banned):
    """The scores of shared rows."""
    return score_tokens(
        states, weight, TARGETS, temperature=temperature, banned=banned, chunk=3
    ).logprobs


class Model(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.head = nn.Linear(*weight.T.shape, bias=False, dtype=weight.dtype)
        self.head.weight = nn.Parameter(weight, requires_grad=False)

    def get_output_embeddings(self):
        return self.head


def through_logits(states, weight, temperature, banned):
    """The scores of plain rows."""
    model = Model(weight)
    widen_head(model)
    scaled = scaled_logits(model.head(states), temperature, banned)
    return scores_of_logits(scaled, TARGETS, entropy=False).logprobs


def rounded_before_the_difference(states, weight, temperature, banned):
    """What must not be done: `W[y] - p @ W` of 16-bit vectors."""
    logits = (states @ weight.T).float() / temperature
    logs = logits.index_fill(-1, banned, -1e30).log_softmax(-1)
    slopes = (weight[TARGETS] - logs.exp().to(weight.dtype) @ weight) / temperature
    return slopes * LOSS[:, None].to(weight.dtype)


def exact(dtype, temperature, banned):
    """Log-probabilities and gradients of the slow loop, float64."""
    states, weight = states_and_head(dtype, temperature, banned)
    states = states.double().requires_grad_()
    logprobs = slow_scores(states, weight, temperature, banned)
    (logprobs * LOSS).sum().backward()
    return logprobs.detach(), states.grad


def gaps(found, wanted):
    """How far each token's row is off, as a share of it."""
    return (found.double() - wanted).norm(dim=-1) / wanted.norm(dim=-1)


@formats
@settings
@pytest.mark.parametrize("scores", [chunked, through_logits], ids=["shared", "plain"])
def test_scores_and_gradients_equal_the_slow_loop(scores, dtype, temperature, banned):
    logprobs, gradient = exact(dtype, temperature, banned)
    states, weight = states_and_head(dtype, temperature, banned)
    found = scores(
        states.requires_grad_(), weight, temperature, torch.tensor(banned, dtype=torch.int64)
    )
    (found * LOSS).sum().backward()
    assert found.dtype == torch.float32
    assert ((found - logprobs) / logprobs).abs().max() < LOGPROB
    assert gaps(states.grad, gradient).max() < GRADIENT[dtype]


def test_the_head_gives_each_token_the_share_that_is_tested():
    logprobs, _ = exact(torch.float32, 1.0, [])
    assert torch.allclose(logprobs.exp(), torch.tensor(SHARES).double(), rtol=1e-4)
    logprobs, _ = exact(torch.bfloat16, 1.0, [])
    assert torch.allclose(1 - logprobs.exp(), 1 - torch.tensor(SHARES).double(), rtol=0.2)


def test_the_difference_of_rounded_vectors_would_fail():
    """So that the tolerances above are known to tell."""
    _, gradient = exact(torch.bfloat16, 1.0, [])
    states, weight = states_and_head(torch.bfloat16, 1.0, [])
    nothing = torch.tensor([], dtype=torch.int64)
    wrong = gaps(rounded_before_the_difference(states, weight, 1.0, nothing), gradient)
    assert wrong[3] > 5 * GRADIENT[torch.bfloat16], "p = .99"
    assert (wrong[5:] > 0.5).all(), "from p = .998 on"


@formats
def test_entropy_of_confident_tokens(dtype):
    states, weight = states_and_head(dtype, 1.0, [])
    logs = (states.double() @ weight.double().T).log_softmax(-1)
    wanted = -(logs.exp() * logs).sum(-1)
    nothing = torch.tensor([], dtype=torch.int64)
    found = score_tokens(states, weight, TARGETS, temperature=1.0, banned=nothing).entropy
    assert ((found - wanted) / wanted).abs().max() < 1e-5
