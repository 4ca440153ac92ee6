import pytest
import runs
import torch
from transformers import GenerationConfig

from speciarl_pl.callbacks import HFRolloutCallback, RolloutCallback, RolloutRequest, Sampling
from speciarl_pl.engine import TransformersEngine
from speciarl_pl.engine.generate import SeededSampler
from speciarl_pl.errors import RolloutError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import Batch, Sample
from speciarl_pl.world import draw, world_specs

WIDTHS = (56, 84, 112)


@pytest.fixture(scope="module")
def requests(module):
    """Three images of different sizes, three seeds each."""
    policy = module.loaded_policy
    samples = [
        Sample(spec.id, "world", spec.truth, "What is it?", draw(spec).resize((width, 56)))
        for spec, width in zip(world_specs("all", 3, 5), WIDTHS, strict=True)
    ]
    return [
        RolloutRequest(sample, policy.encode(sample), (10 * i, 10 * i + 1, 10 * i + 2))
        for i, sample in enumerate(samples)
    ]


def generate(module, requests, max_rows=256, **sampling):
    sampling = Sampling(**{"max_new_tokens": 12} | sampling)
    return HFRolloutCallback(max_rows=max_rows).draw(module, requests, sampling)


def rollouts(groups):
    return [rollout for group in groups for rollout in group.rollouts]


def assert_same(groups, others):
    for one, other in zip(rollouts(groups), rollouts(others), strict=True):
        assert one.tokens.tolist() == other.tokens.tolist()
        assert (one.text, one.finish_reason, one.seed) == (
            other.text,
            other.finish_reason,
            other.seed,
        )
        torch.testing.assert_close(one.logprobs, other.logprobs, atol=1e-4, rtol=0)


def test_images_of_different_sizes_are_padded_on_the_left(requests):
    lengths = {request.prompt.input_ids.numel() for request in requests}
    assert len(lengths) == 3, "the test would not pad"


@pytest.mark.parametrize(
    "max_rows",
    [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(6, marks=pytest.mark.slow), 7],
)
def test_the_same_seeds_give_the_same_rollouts_whatever_the_batching(module, requests, max_rows):
    assert_same(generate(module, requests, max_rows), generate(module, requests))


def test_company_and_order_do_not_matter(module, requests):
    groups = generate(module, requests)
    assert_same(generate(module, requests[::-1]), groups[::-1])
    assert_same(generate(module, requests[1:2]), groups[1:2])


def test_other_seeds_give_other_rollouts(module, requests):
    tokens = {tuple(rollout.tokens.tolist()) for rollout in rollouts(generate(module, requests))}
    assert len(tokens) > 3


@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.4])
def test_sampler_and_policy_agree_on_log_probs(module, requests, temperature):
    groups = generate(module, requests, temperature=temperature)
    policy = module.loaded_policy
    with torch.no_grad():
        scores = policy.score(policy.lay_out(groups), temperature=temperature)
        base = policy.score(policy.lay_out(groups), temperature=temperature, reference=True)
    sampled = torch.cat([rollout.logprobs for rollout in rollouts(groups)])
    torch.testing.assert_close(sampled, scores.logprobs[scores.mask], atol=1e-4, rtol=0)
    assert (sampled - base.logprobs[base.mask]).abs().max() > 0.01


def test_sampler_and_policy_agree_in_bfloat16(requests):
    """To 1e-2 nats a token: both have float32 logits; from 16-bit ones 4e-2 was seen."""
    module = SpeciaRLModule()
    policy = module.policy = runs.world_policy(dtype="bfloat16")
    groups = generate(module, requests, max_new_tokens=24)
    with torch.no_grad():
        scores = policy.score(policy.lay_out(groups))
    sampled = torch.cat([rollout.logprobs for rollout in rollouts(groups)])
    assert (sampled - scores.logprobs[scores.mask]).abs().max() < 1e-2


def test_greedy_is_the_same_for_every_seed(module, requests):
    for group in generate(module, requests, temperature=0.0):
        assert len({tuple(rollout.tokens.tolist()) for rollout in group.rollouts}) == 1


def test_a_stop_text_ends_a_rollout_and_stays(module, requests):
    groups = generate(module, requests, max_new_tokens=64, stop=("</think>", "no such text"))
    policy = module.loaded_policy
    for rollout in rollouts(groups):
        assert rollout.text.partition("</think>")[2] == ""
        assert rollout.text == policy.decode(rollout.tokens)
        assert rollout.tokens.shape == rollout.logprobs.shape
        ended = rollout.text.endswith("</think>") or rollout.tokens[-1] in policy.eos_token_ids
        assert (rollout.finish_reason == "stop") == ended
    assert any(rollout.text.endswith("</think>") for rollout in rollouts(groups))


def test_a_stop_text_leaves_what_comes_before_alone(module, requests):
    stopped = rollouts(generate(module, requests, max_new_tokens=64, stop=("</think>",)))
    whole = rollouts(generate(module, requests, max_new_tokens=64))
    for short, long in zip(stopped, whole, strict=True):
        assert short.tokens.tolist() == long.tokens[: short.tokens.numel()].tolist()


def test_image_tokens_are_never_sampled(module, requests):
    policy = module.loaded_policy
    banned = torch.tensor(policy.banned_token_ids)

    def like_them(_, __, logits):
        return logits.index_add(
            -1, banned, torch.full((*logits.shape[:-1], len(banned)), 50.0, dtype=logits.dtype)
        )

    hook = policy.base.get_output_embeddings().register_forward_hook(like_them)
    try:
        groups = generate(module, requests)
    finally:
        hook.remove()
    tokens = torch.cat([rollout.tokens for rollout in rollouts(groups)])
    assert not torch.isin(tokens, banned).any()


def test_a_rollout_ends_with_its_turn_or_is_cut(module, requests):
    ends = set(module.loaded_policy.eos_token_ids)
    found = rollouts(generate(module, requests, max_new_tokens=40))
    for rollout in found + rollouts(generate(module, requests, max_new_tokens=4)):
        *body, last = rollout.tokens.tolist()
        assert not ends & set(body)
        assert rollout.finish_reason == ("stop" if last in ends else "length")
        assert rollout.logprobs.shape == rollout.tokens.shape
        assert rollout.tokens.dtype == torch.int64
        assert rollout.logprobs.dtype == torch.float32
        assert "<|" not in rollout.text
    assert any(rollout.finish_reason == "stop" for rollout in found)
    cut = [r for r in found if r.finish_reason == "length"]
    assert all(rollout.tokens.numel() == 40 for rollout in cut)


@pytest.mark.parametrize(
    "own",
    [
        {"top_k": 1},
        {"repetition_penalty": 3.0},
        {"temperature": 0.1, "top_p": 0.1, "min_p": 0.5},
        {"no_repeat_ngram_size": 1},
        {"min_new_tokens": 12},
        {"typical_p": 0.1},
        {"suppress_tokens": list(range(1000))},
        {"num_beams": 2},
        {"max_length": 3, "stop_strings": ["<"]},
    ],
    ids=lambda own: next(iter(own)),
)
def test_the_checkpoints_own_generation_settings_do_not_leak_in(module, requests, own):
    expected = generate(module, requests)
    model = module.loaded_policy.base
    before = model.generation_config
    model.generation_config = GenerationConfig(do_sample=True, **own)
    try:
        groups = generate(module, requests)
        assert next(iter(own)) in model.generation_config.to_diff_dict()
    finally:
        model.generation_config = before
    assert_same(groups, expected)


@pytest.mark.parametrize("training", [True, False])
def test_the_policys_mode_is_left_as_it_was(module, requests, training):
    policy = module.loaded_policy
    policy.train(training)
    generate(module, requests[:1], max_new_tokens=1)
    assert policy.training is training
    assert all(p.grad is None for p in policy.trainable_parameters())


def test_validation_draws_with_the_same_luck_every_time(module, requests):
    callback = HFRolloutCallback(val_group_size=2, sampling=Sampling(max_new_tokens=4), seed=1)
    batches = [Batch([r.sample for r in requests], [r.prompt for r in requests]) for _ in range(2)]
    for batch in batches:
        callback.on_validation_batch_start(None, module, batch, 0)
    assert_same(*(batch.groups for batch in batches))
    assert len(batches[0].groups[0].rollouts) == 2


def test_an_empty_batch_gets_no_groups(module):
    batch = Batch([], [])
    HFRolloutCallback().on_validation_batch_start(None, module, batch, 0)
    assert batch.groups == []


def test_an_engine_that_mixes_groups_up_is_caught(module, requests):
    class Mixed(TransformersEngine):
        def draw(self, *args):
            return super().draw(*args)[::-1]

    batch = Batch([r.sample for r in requests], [r.prompt for r in requests])
    callback = RolloutCallback(Mixed(), sampling=Sampling(max_new_tokens=2))
    with pytest.raises(RolloutError, match="do not match the 3 requested"):
        callback.on_validation_batch_start(None, module, batch, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"group_size": 1},
            "group_size: expected an int >= 2, got 1; a group of one has no relative advantage",
        ),
        ({"val_group_size": 0}, "val_group_size: expected an int >= 1, got 0"),
        ({"max_rows": 0}, "max_rows: expected an int >= 1, got 0"),
        ({"sampling": Sampling(temperature=0.0)}, "sampling.temperature: expected > 0; greedy"),
        ({"sampling": Sampling(top_p=0.9)}, "sampling.top_p: expected 1 in training, got 0.9"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match="^" + message):
        HFRolloutCallback(**arguments)


@pytest.mark.parametrize(
    "arguments", [{"temperature": -0.1}, {"top_p": 0.0}, {"top_p": 1.1}, {"max_new_tokens": 0}]
)
def test_bad_sampling_is_refused(arguments):
    with pytest.raises(ValueError, match=f"^{next(iter(arguments))}: expected"):
        Sampling(**arguments)


def test_rollouts_that_end_early_are_told_of_while_others_go_on(module, requests, monkeypatch):
    told, steps = [], []
    sampling = Sampling(max_new_tokens=60)
    groups = HFRolloutCallback().draw(module, requests, sampling)
    ended = [r for r in rollouts(groups) if r.finish_reason == "stop"]
    assert len({r.tokens.numel() for r in ended}) > 1, "the test would show nothing"
    draw = SeededSampler.__call__

    def counted(*arguments):
        steps.append(len(told))
        return draw(*arguments)

    monkeypatch.setattr(SeededSampler, "__call__", counted)
    again = HFRolloutCallback().draw(
        module, requests, sampling, lambda sample, text: told.append((sample.id, text))
    )
    assert_same(again, groups)
    assert sorted(told) == sorted(
        (group.sample.id, r.text)
        for group in groups
        for r in group.rollouts
        if r.finish_reason == "stop"
    )
    assert 0 < steps[-1] < len(told), "some were told of before the last token was drawn"
