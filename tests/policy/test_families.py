"""Each family against float64 models, which get what its own processor makes of a single row."""

from dataclasses import replace
from functools import cache

import factory
import pytest
import torch
from families import FEW, marked, save
from peft import PeftModel
from transformers import AutoModelForImageTextToText

from speciarl_pl.callbacks import HFRolloutCallback, RolloutRequest, Sampling
from speciarl_pl.errors import ModelError
from speciarl_pl.grpo import GRPOLoss
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import load_policy
from speciarl_pl.policy.base_model import vlm_config
from speciarl_pl.policy.rows.inputs import joinable, row_inputs
from speciarl_pl.policy.weights.linear_layers import decoder_name
from speciarl_pl.records import EncodedPrompt, RolloutGroup, ScoredGroup
from speciarl_pl.step.ranks import Ranks
from speciarl_pl.step.update import PolicyUpdate

from . import tiny
from .test_family_prompts import by_its_own_processor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("num2words"),
    pytest.mark.filterwarnings(  # PaliGemma's own processor
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
    pytest.mark.filterwarnings(  # Mllama's own tower
        "ignore:`hidden_state` is deprecated:FutureWarning"
    ),
]

SIZES = {"56 x 56": (56, 56), "112 x 40": (112, 40), "112 x 100": (112, 100)}
TEMPERATURE = 0.7
FLOAT32 = 1e-5
BFLOAT16 = 0.01
"""Tolerances in nats a token, the latter of the mean: the models are random, with logits near 1."""
GRADIENT = {"float32": 1e-5, "bfloat16": 0.05}
"""Relative, over the whole adapter."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Directory of a family, written once."""
    return cache(lambda name: str(save(tmp_path_factory.mktemp(name), name)))


@pytest.fixture(scope="module", params=marked(slow=False))
def directory(request, saved):
    return saved(request.param)


@pytest.fixture(scope="module", params=FEW)
def one_of_few(request, saved):
    return saved(request.param)


def requests_of(policy, size=3):
    """Images of three sizes, in one batch."""
    shown = [
        tiny.sample(*pixels, prompt="What is it?"[place:])
        for place, pixels in enumerate(SIZES.values())
    ]
    return [
        RolloutRequest(one, policy.encode(one), tuple(range(10 * place, 10 * place + size)))
        for place, one in enumerate(shown)
    ]


def drawn(policy, requests=None, **sampling):
    module = SpeciaRLModule()
    module.policy = policy
    options = Sampling(**{"max_new_tokens": 6, "temperature": TEMPERATURE, **sampling})
    return HFRolloutCallback().draw(module, requests or requests_of(policy), options)


def rollouts(groups):
    return [rollout for group in groups for rollout in group.rollouts]


def in_float64(directory, policy, tmp_path):
    """The same model, as transformers and PEFT make it of what the policy saves."""
    policy.save_adapter(tmp_path)
    kind = vlm_config(directory).model_type
    # The fused product of experts knows no float64.
    options = {"experts_implementation": "eager"} if kind.endswith("moe") else {}
    base = AutoModelForImageTextToText.from_pretrained(directory, dtype=torch.float64, **options)
    return PeftModel.from_pretrained(base, tmp_path, is_trainable=True).double().eval()


LATER = {
    "mm_token_type_ids": lambda _, tokens: torch.zeros_like(tokens),
    "token_type_ids": lambda kinds, tokens: torch.full_like(tokens, int(not kinds.any())),
    "cross_attention_mask": lambda mask, tokens: mask[:, -1:].expand(-1, tokens.shape[1], -1, -1),
}
"""What the family's own `generate` says of an answer. Prompts of PaliGemma are all 0, answers 1; of
Gemma 3 only the image is 1."""


def row_logprobs(model, directory, policy, group, rollout):
    """Log-probs of one completion, from what the processor itself makes of image and question."""
    inputs = by_its_own_processor(directory, group.sample)
    inputs.pop("labels", None)
    tokens = rollout.tokens[None]
    for name, value in inputs.items():
        if value.shape[:2] == inputs["attention_mask"].shape and name != "attention_mask":
            later = LATER.get(name, lambda _, tokens: tokens)(value, tokens)
            inputs[name] = torch.cat([value, later], dim=1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    logits = model(**inputs).logits[0, -tokens.numel() - 1 : -1] / TEMPERATURE
    logits[:, policy.banned_token_ids] = -torch.inf
    return logits.log_softmax(-1).gather(-1, rollout.tokens[:, None])[:, 0]


def reference_logprobs(model, directory, policy, groups):
    return torch.cat(
        [
            row_logprobs(model, directory, policy, group, rollout)
            for group in groups
            for rollout in group.rollouts
        ]
    )


def weighted(logprobs):
    """A loss that weighs every token apart."""
    draw = torch.Generator().manual_seed(5)
    return (logprobs * torch.randn(len(logprobs), generator=draw)).sum()


def adapter_gradient(model):
    named = sorted((name, p) for name, p in model.named_parameters() if p.grad is not None)
    return torch.cat([p.grad.flatten().double() for _, p in named])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_log_probs_and_gradients_are_those_of_a_row_of_its_own(directory, dtype, tmp_path):
    policy = tiny.stirred_policy(directory, dtype=dtype).train()
    groups = drawn(policy)
    scores = policy.score(groups, temperature=TEMPERATURE)
    found = scores.logprobs[scores.mask]
    weighted(found).backward()
    model = in_float64(directory, policy, tmp_path)
    expected = reference_logprobs(model, directory, policy, groups)
    weighted(expected).backward()

    distance = (found - expected).detach().abs()
    assert distance.max() < FLOAT32 if dtype == "float32" else distance.mean() < BFLOAT16
    gradient, exact = adapter_gradient(policy.model), adapter_gradient(model)
    assert (gradient - exact).norm() < GRADIENT[dtype] * exact.norm()
    sampled = torch.cat([rollout.logprobs for rollout in rollouts(groups)])
    between = (sampled - found.detach()).abs()
    assert between.max() < FLOAT32 if dtype == "float32" else between.mean() < BFLOAT16
    trained = {name: p for name, p in policy.named_parameters() if p.requires_grad}
    assert all(f".{decoder_name(policy.base)}.layers." in name for name in trained)
    assert all(p.grad.any() for p in trained.values()), "all of the adapter learns"
    base = policy.score(groups, temperature=TEMPERATURE, reference=True)
    assert (base.logprobs - scores.logprobs).abs().max() > 0.05, "the adapter matters"


def test_company_does_not_matter(one_of_few):
    """Images of three sizes together, one by one, and in another order."""
    policy = tiny.stirred_policy(one_of_few)
    requests = requests_of(policy)
    together = drawn(policy, requests)
    alone = [group for request in requests for group in drawn(policy, [request])]
    for others in (alone, drawn(policy, requests[::-1])[::-1]):
        for one, other in zip(rollouts(together), rollouts(others), strict=True):
            assert one.seed == other.seed
            assert one.tokens.tolist() == other.tokens.tolist()
            torch.testing.assert_close(one.logprobs, other.logprobs, atol=FLOAT32, rtol=0)


def test_the_image_matters(directory):
    """Else a sampler and a trainer that both lose it would agree."""
    policy = tiny.stirred_policy(directory)
    groups = drawn(policy)
    other = replace(groups[0].sample, image=groups[0].sample.image.rotate(90))
    turned = RolloutGroup(other, policy.encode(other), groups[0].rollouts)
    first, second = (policy.score([group], entropy=False).logprobs for group in (groups[0], turned))
    assert (first - second).abs().max() > 1e-4


def test_an_update_moves_the_adapter(one_of_few):
    policy = tiny.stirred_policy(one_of_few).train()
    before = {name: tensor.clone() for name, tensor in policy.adapter_state_dict().items()}
    scored = []
    for group in drawn(policy):
        judged = factory.judged_group(group, ())
        scored.append(
            ScoredGroup(judged, torch.tensor([1.0, 0, 0]), torch.tensor([1.0, -0.5, -0.5]))
        )
    update = PolicyUpdate(policy, GRPOLoss(kl_coefficient=0.1), temperature=TEMPERATURE)
    optimizer = torch.optim.SGD(policy.trainable_parameters(), lr=0.1)
    learned = update(scored, optimizer, Ranks())
    assert learned["ratio"] == pytest.approx(1, abs=1e-5)
    assert learned["importance_weight"] == pytest.approx(1, abs=1e-4)
    assert learned["grad_norm"] > 0
    changed = [name for name, t in policy.adapter_state_dict().items() if not t.equal(before[name])]
    assert len(changed) == len(before)


@pytest.fixture
def gemma3_dir(saved):
    return saved("gemma3")


def test_gemma3_is_told_which_tokens_are_of_an_image(gemma3_dir):
    """They see each other; without that it takes them for text, in training as in evaluation."""
    policy = tiny.stirred_policy(gemma3_dir)
    groups = drawn(policy)
    prompt = groups[0].prompt
    assert prompt.per_token["token_type_ids"].tolist() == prompt.mm_token_type_ids.tolist()
    blind = [replace(group, prompt=replace(group.prompt, per_token={})) for group in groups]
    for train in (False, True):
        policy.train(train)
        told, untold = (policy.score(part).logprobs.detach() for part in (groups, blind))
        assert (told - untold).abs().max() > 1e-3


def test_what_is_said_of_tokens_is_zero_at_padding_and_completions(gemma3_dir):
    policy = tiny.stirred_policy(gemma3_dir)
    prompts = [request.prompt for request in requests_of(policy)]
    completions = [torch.arange(4), torch.arange(2), torch.arange(3)]
    rows = row_inputs(policy.base, prompts, completions, pad_token_id=policy.pad_token_id)
    assert "mm_token_type_ids" not in rows, "the model does not know it"
    for row, prompt in enumerate(prompts):
        left = max(p.input_ids.numel() for p in prompts) - prompt.input_ids.numel()
        kinds = rows["token_type_ids"][row]
        assert kinds[left : left + prompt.input_ids.numel()].sum() == kinds.sum() == 4


def test_prompts_are_joined_by_the_shapes_of_their_images():
    def prompt(**shapes):
        tokens = torch.zeros(2, dtype=torch.int64)
        vision = {name: torch.zeros(shape) for name, shape in shapes.items()}
        return EncodedPrompt(tokens, tokens, vision)

    prompts = [
        prompt(pixels=(1, 3, 8, 8)),
        prompt(pixels=(1, 5, 8, 8)),
        prompt(pixels=(4, 3, 8, 8)),
        prompt(pixels=(1, 3, 8, 8), mask=(1, 8)),
        prompt(pixels=(1, 5, 8, 8)),
    ]
    assert joinable(prompts) == [[0, 2], [1, 4], [3]]


def test_images_that_cannot_be_joined_are_refused_by_the_name_of_their_processor(gemma3_dir):
    policy = load_policy(gemma3_dir)

    class OddProcessor(type(policy.encoder.processor)):
        def __call__(self, **options):
            return {**super().__call__(**options), "tiles": [[1, 2]]}

    policy.encoder.processor.__class__ = OddProcessor
    with pytest.raises(
        ModelError, match=r"model.base: OddProcessor makes tiles a list of an image"
    ):
        policy.encode(tiny.sample())


@pytest.mark.parametrize("family", marked(["llava_next", "llava_onevision"]))
def test_a_model_knows_the_shapes_that_its_images_are_limited_to(saved, family):
    limited = tiny.stirred_policy(saved(family), max_pixels=56 * 112)
    assert limited.base.config.image_grid_pinpoints == [[56, 112], [112, 56]]
    groups = drawn(limited)
    scores = limited.score(groups, temperature=TEMPERATURE)
    sampled = torch.cat([rollout.logprobs for rollout in rollouts(groups)])
    assert (sampled - scores.logprobs[scores.mask]).abs().max() < FLOAT32
