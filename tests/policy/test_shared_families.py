"""Shared-prefix rows of families beside Qwen-VL, against plain rows and against float64."""

from dataclasses import replace

import pytest
import torch
from families import NEED_TORCHVISION, save

from speciarl_pl.policy.rows.inputs import joinable

from . import tiny
from .exact import exact_logprobs, exact_policy, gap, gradient
from .test_parity import weights_of

pytestmark = pytest.mark.slow

KINDS = (
    "smolvlm",
    "idefics3",
    "llava",
    "llava_next",
    "llava_onevision",
    "internvl",
    "mistral3",
    "glm4v",
    "qwen3_vl_moe",
)
GAPS = {"float32": (1e-5, 1e-4), "bfloat16": (1e-2, 5e-2)}
"""Nats of a log-probability, of each token in float32 and of the mean in bfloat16; share of the
adapter's gradient. What was seen is 6e-7 and 1e-6, and with bfloat16 2e-3 and 1.7e-2."""


@pytest.fixture(scope="module", params=KINDS)
def directory(request, tmp_path_factory, num2words):
    if request.param in NEED_TORCHVISION:
        pytest.importorskip("torchvision")
    return str(save(tmp_path_factory.mktemp("kind") / request.param, request.param))


def groups_of(policy):
    """Images of unlike shapes and numbers of tiles, completions of 1 to 30 tokens."""
    return [
        tiny.group(policy, tiny.sample(56, 56), [5, 1, 30], seed=1),
        tiny.group(policy, tiny.sample(112, 40, "And this, is it a bird?"), [3, 7], seed=2),
        tiny.group(policy, tiny.sample(112, 100, "Hm"), [12, 2], seed=3),
    ]


def exact_of(policy, groups):
    """Log-probabilities of the policy's very weights in float64, a group at a time, in a line."""
    lines = []
    for group in groups:
        grid = exact_logprobs(policy, [group], 0.7)
        lines += [row[: len(one.tokens)] for row, one in zip(grid, group.rollouts, strict=True)]
    return torch.cat(lines)


def weighted(flat):
    return (flat * weights_of(flat)).sum()


@pytest.mark.parametrize("dtype", GAPS)
def test_log_probs_and_gradients_are_those_of_float64_and_of_plain_rows(directory, dtype):
    options = {"dtype": dtype, "gradient_checkpointing": True}
    policy = tiny.stirred_policy(directory, rows="shared", **options).train()
    exact, groups = exact_policy(policy), groups_of(policy)
    exact.base.get_decoder().config._experts_implementation = "eager"  # another cannot do float64
    expected = exact_of(exact, groups)
    weighted(expected).backward()
    with exact.model.disable_adapter(), torch.no_grad():
        expected_of_base = exact_of(exact, groups)

    rows = policy.lay_out(groups)
    scores = policy.score(rows, temperature=0.7)
    weighted(scores.logprobs[scores.mask]).backward()
    of_base = policy.score(rows, temperature=0.7, reference=True)
    policy.rows = "plain"
    plain = policy.score(policy.lay_out(groups), temperature=0.7)

    size = torch.mean if dtype == "bfloat16" else torch.max
    for found, wanted in ((scores, expected), (plain, expected), (of_base, expected_of_base)):
        assert size((found.logprobs[found.mask] - wanted).detach().abs()) < GAPS[dtype][0]
    assert gap(gradient(policy), gradient(exact)) < GAPS[dtype][1]
    assert size((scores.logprobs - plain.logprobs).abs()) < GAPS[dtype][0]
    assert (scores.logprobs - of_base.logprobs).abs().max() > 0.05, "the adapter matters"


def test_each_image_goes_through_the_tower_once_for_all_passes(directory):
    policy = tiny.stirred_policy(directory)
    groups = groups_of(policy)
    prompts = [group.prompt for group in groups]
    seen, encode = [], policy.base.base_model.get_image_features

    def counted(*arguments, **named):
        pixels = named.get("pixel_values", arguments[0] if arguments else None)
        seen.append(pixels.numel())
        return encode(*arguments, **named)

    policy.base.base_model.get_image_features = counted
    rows = policy.lay_out(groups)
    policy.score(rows).logprobs.sum().backward()
    policy.score(rows, reference=True)
    assert len(seen) == len(joinable(prompts))
    assert sum(seen) == sum(prompt.vision["pixel_values"].numel() for prompt in prompts)
    for group, feature in zip(groups, rows.features, strict=True):
        (alone,) = policy.lay_out([group]).features
        assert torch.allclose(feature.embeds, alone.embeds, atol=1e-5)
    blank = [type(one)(torch.zeros_like(one.embeds), one.deepstack) for one in rows.features]
    shown, unseen = (policy.score(r).logprobs for r in (rows, replace(rows, features=blank)))
    assert (shown - unseen).abs().max() > 1e-4, "the image matters"
