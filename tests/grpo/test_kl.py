import pytest
import torch

from speciarl_pl.grpo import kl_per_token


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_unbiased_against_the_exact_divergence(estimator):
    torch.manual_seed(0)
    policy, base = torch.randn(2, 6).log_softmax(-1)
    exact = (policy.exp() * (policy - base)).sum()
    tokens = torch.multinomial(policy.exp(), 200_000, replacement=True)
    estimate = kl_per_token(policy[tokens], base[tokens], estimator).mean()
    assert estimate.item() == pytest.approx(exact.item(), rel=0.03)


@pytest.mark.parametrize("estimator", ["k2", "k3"])
def test_never_negative_and_finite_for_freak_tokens(estimator):
    values = kl_per_token(torch.linspace(-100, 0, 50), torch.linspace(0, -100, 50), estimator)
    assert (values >= 0).all()
    assert values.isfinite().all()
