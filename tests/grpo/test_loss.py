import math

import pytest
import torch

from speciarl_pl.grpo import GRPOLoss, Normalizer, TokenBatch

R, T = 5, 7


def make_batch(seed: int = 0, spread: float = 0.6) -> TokenBatch:
    g = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([7, 3, 1, 5, 4])
    logprobs = -3 * torch.rand(R, T, generator=g)

    def near(values):
        return values + spread * torch.randn(R, T, generator=g)

    return TokenBatch(
        logprobs=logprobs.requires_grad_(),
        old_logprobs=near(logprobs.detach()),
        advantages=torch.randn(R, generator=g),
        mask=torch.arange(T) < lengths[:, None],
        sampler_logprobs=near(logprobs.detach()),
        reference_logprobs=near(logprobs.detach()),
    )


def slow_kl(new: float, base: float, estimator: str) -> float:
    if estimator == "k1":
        return new - base
    if estimator == "k2":
        return (new - base) ** 2 / 2
    return math.exp(base - new) - 1 - (base - new)


def slow_token_loss(spec: GRPOLoss, batch: TokenBatch, r: int, t: int) -> float:
    new, old = batch.logprobs[r, t].item(), batch.old_logprobs[r, t].item()
    advantage = batch.advantages[r].item()
    ratio = math.exp(new - old)
    inside = min(max(ratio, 1 - spec.clip_low), 1 + spec.clip_high)
    objective = min(ratio * advantage, inside * advantage)
    if spec.dual_clip is not None and advantage < 0:
        objective = max(objective, spec.dual_clip * advantage)
    if spec.importance_cap is not None:
        weight = math.exp(old - batch.sampler_logprobs[r, t].item())
        objective *= min(weight, spec.importance_cap)
    kl = slow_kl(new, batch.reference_logprobs[r, t].item(), spec.kl_estimator)
    return -objective + spec.kl_coefficient * kl


def slow_loss(spec: GRPOLoss, batch: TokenBatch, size: Normalizer) -> float:
    total = 0.0
    for r in range(R):
        tokens = [t for t in range(T) if batch.mask[r, t]]
        losses = [slow_token_loss(spec, batch, r, t) for t in tokens]
        if spec.aggregation == "sequence":
            total += sum(losses) / len(losses) / size.sequences
        elif spec.aggregation == "token":
            total += sum(losses) / size.tokens
        else:
            total += sum(losses) / spec.constant_length / size.sequences
    return total


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(GRPOLoss(), id="grpo"),
        pytest.param(GRPOLoss(kl_coefficient=0.0), id="no kl"),
        pytest.param(GRPOLoss(kl_estimator="k1", kl_coefficient=0.3), id="k1"),
        pytest.param(GRPOLoss(kl_estimator="k2", kl_coefficient=0.3), id="k2"),
        pytest.param(GRPOLoss(importance_cap=None), id="no importance correction"),
        pytest.param(
            GRPOLoss(aggregation="constant", constant_length=16, kl_coefficient=0.0), id="dr-grpo"
        ),
        pytest.param(
            GRPOLoss(clip_high=0.28, dual_clip=2.0, aggregation="token", kl_coefficient=0.0),
            id="dapo",
        ),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_equals_a_plain_loop(spec, seed):
    batch, size = make_batch(seed), Normalizer(sequences=6, tokens=26)
    loss, _ = spec(batch, size)
    assert loss.item() == pytest.approx(slow_loss(spec, batch, size), rel=1e-5)


def test_gradient_equals_finite_differences():
    batch = make_batch()
    spec, size = GRPOLoss(kl_coefficient=0.2), Normalizer(5, 20)
    loss, _ = spec(batch, size)
    loss.backward()
    step = 1e-3
    for r, t in [(0, 0), (1, 2), (3, 4)]:
        moved = batch.logprobs.detach().clone()
        values = []
        for sign in (1, -1):
            moved[r, t] = batch.logprobs.detach()[r, t] + sign * step
            other = TokenBatch(
                moved,
                batch.old_logprobs,
                batch.advantages,
                batch.mask,
                batch.sampler_logprobs,
                batch.reference_logprobs,
            )
            values.append(slow_loss(spec, other, size))
        slope = (values[0] - values[1]) / (2 * step)
        assert batch.logprobs.grad[r, t].item() == pytest.approx(slope, abs=2e-4)


def test_micro_batches_add_up_to_the_whole():
    batch, size, spec = make_batch(), Normalizer(5, 20), GRPOLoss()
    whole, sums = spec(batch, size)
    parts = [
        spec(
            TokenBatch(*(getattr(batch, name)[rows] for name in TokenBatch.__dataclass_fields__)),
            size,
        )
        for rows in (slice(0, 2), slice(2, 5))
    ]
    torch.testing.assert_close(sum(loss for loss, _ in parts), whole)
    for name, value in sums.items():
        torch.testing.assert_close(sum(part[name] for _, part in parts), value)


def test_padding_and_unjudged_tokens_get_no_gradient():
    batch = make_batch()
    loss, _ = GRPOLoss()(batch, Normalizer(5, 20))
    loss.backward()
    assert (batch.logprobs.grad[~batch.mask] == 0).all()


def test_on_policy_ratio_is_one_and_nothing_is_clipped():
    batch = make_batch(spread=0.0)
    _, sums = GRPOLoss()(batch, Normalizer(5, 20))
    assert sums["ratio"].item() == pytest.approx(sums["tokens"].item())
    assert sums["clipped"] == 0
    assert sums["kl"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"clip_low": 0.0}, "clip_low"),
        ({"dual_clip": 1.1}, "dual_clip"),
        ({"kl_coefficient": -0.1}, "kl_coefficient"),
        ({"importance_cap": 0.5}, "importance_cap"),
        ({"aggregation": "constant"}, "constant_length"),
        ({"constant_length": 8}, "constant_length"),
    ],
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        GRPOLoss(**arguments)
