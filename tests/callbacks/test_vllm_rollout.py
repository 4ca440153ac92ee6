"""Rollouts from a real in-process vLLM on the CPU, with the built-in base."""

from dataclasses import replace

import psutil
import pytest
import torch
from vllm_tools import (
    ONE,
    callback_of,
    change,
    draw,
    largest_gap,
    module_of,
    needs_vllm,
    requests,
    strong_policy,
    tokens,
)

from speciarl_pl.engine.adapter_store import AdapterStore
from speciarl_pl.engine.vllm_engine import VLLMEngine
from speciarl_pl.errors import RolloutError
from speciarl_pl.sampling import Sampling

pytestmark = [pytest.mark.slow, needs_vllm]


@pytest.fixture(scope="module")
def module():
    return module_of(strong_policy())


@pytest.fixture(scope="module")
def callback(module):
    """One engine for all tests that leave it usable."""
    callback = callback_of()
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    callback.prepare(module)
    assert torch.equal(torch.get_rng_state(), state), "starting vLLM left the random state alone"
    assert torch.get_num_threads() == threads
    yield callback
    callback.close()
    assert not torch.distributed.is_initialized()


@pytest.fixture
def spoiled(callback, module):
    """The same, to be sabotaged: the next batch has to push, and nothing of it stays."""
    yield callback
    callback.sync.forget()
    callback.prepare(module)
    draw(callback, module)


# ------------------------------------------------------------------- parity


@pytest.mark.parametrize("temperature", [1.0, 0.7, 0.0])
def test_log_probs_are_the_trainers_and_far_from_the_bases(callback, module, temperature):
    sampling = replace(ONE, temperature=temperature)
    groups = draw(callback, module, sampling)
    assert largest_gap(module.policy, groups, temperature or 1.0) < 1e-4
    assert largest_gap(module.policy, groups, temperature or 1.0, reference=True) > 0.5


def test_log_probs_are_the_trainers_after_twenty_pushes(callback, module):
    before = callback.sync.version.number
    for _ in range(20):
        change(module.policy)
        callback.prepare(module)
    assert callback.sync.version.number == before + 20
    groups = draw(callback, module)
    assert largest_gap(module.policy, groups) < 1e-4
    assert largest_gap(module.policy, groups, reference=True) > 0.5
    assert callback.engine._llm.llm_engine.list_loras() == {before + 20}
    assert len(list(callback.sync._store.folder.iterdir())) == 1


# ------------------------------------------------------------------- pushes


def test_an_unchanged_adapter_is_not_pushed_again(callback, module):
    callback.prepare(module)
    version = callback.sync.version
    draw(callback, module)
    module.batches_trained += 1  # a step in which nothing was learned
    callback.prepare(module)
    assert callback.sync.version == version


def test_a_loaded_checkpoint_is_pushed_even_if_it_is_the_same(callback, module):
    callback.prepare(module)
    number = callback.sync.version.number
    callback.on_load_checkpoint(module.trainer, module, {})
    callback.prepare(module)
    assert callback.sync.version.number == number + 1


def test_an_engine_that_lost_the_adapter_is_pushed_to(callback, module):
    callback.prepare(module)
    number = callback.sync.version.number
    callback.engine._llm.llm_engine.remove_lora(number)
    groups = draw(callback, module)
    assert callback.sync.version.number == number + 1
    assert largest_gap(module.policy, groups) < 1e-4


def test_the_first_batch_after_a_push_measures_the_gap(callback, module):
    change(module.policy)
    draw(callback, module)
    push = callback.sync.last_push
    assert 0 < push["sync/gap_mean"] <= push["sync/gap_max"] < 1e-4
    assert push["sync/push_s"] > 0
    assert not callback.sync.unproven


@pytest.mark.filterwarnings("error::UserWarning")
def test_memory_stays_over_fifty_pushes(callback, module):
    sizes = []
    for _ in range(50):
        change(module.policy)
        draw(callback, module, Sampling(max_new_tokens=6), count=2, size=2)
        sizes.append(psutil.Process().memory_info().rss)
    assert sizes[-1] < 1.02 * sizes[4]
    assert len(list(callback.sync._store.folder.iterdir())) == 1


# ----------------------------------------------------------------- sabotage


def write_other(monkeypatch, spoil):
    """Let `spoil` change the tensors on their way to the file."""
    write = AdapterStore.write
    monkeypatch.setattr(
        AdapterStore, "write", lambda store, state, config: write(store, spoil(state), config)
    )


def test_a_renamed_module_is_caught(spoiled, module, monkeypatch):
    """A name whose last part vLLM knows, so that it loads without complaint."""

    def rename(state):
        return {name.replace(".layers.1.", ".layers.77."): t for name, t in state.items()}

    change(module.policy)
    write_other(monkeypatch, rename)
    with pytest.raises(RolloutError, match=r"21 of 28 LoRA modules.*layers\.1\."):
        spoiled.prepare(module)
    monkeypatch.undo()


def test_an_empty_adapter_is_caught(spoiled, module, monkeypatch):
    change(module.policy)
    write_other(monkeypatch, lambda state: {})
    with pytest.raises(RolloutError, match="cannot load the policy's adapter"):
        spoiled.prepare(module)
    monkeypatch.undo()


def test_an_adapter_that_does_nothing_is_caught(spoiled, module, monkeypatch):
    change(module.policy)
    write_other(monkeypatch, lambda state: {n: t * ("lora_A" in n) for n, t in state.items()})
    with pytest.raises(RolloutError, match="weights of 28 of 28 LoRA modules"):
        spoiled.prepare(module)
    monkeypatch.undo()


def test_an_old_version_left_loaded_is_caught(spoiled, module, monkeypatch):
    spoiled.prepare(module)
    change(module.policy)
    monkeypatch.setattr(VLLMEngine, "push", lambda *_: None)
    with pytest.raises(RolloutError, match="old version was not removed, or the new one not"):
        spoiled.prepare(module)
    monkeypatch.undo()


def test_an_old_version_under_the_new_name_is_caught(spoiled, module, monkeypatch):
    spoiled.prepare(module)
    old = {name: tensor.clone() for name, tensor in spoiled.sync._state.items()}
    change(module.policy)
    write_other(monkeypatch, lambda state: old)
    with pytest.raises(RolloutError, match=r"are not those of the policy.*old version"):
        spoiled.prepare(module)
    monkeypatch.undo()


def test_weights_that_never_reached_their_layers_are_caught(spoiled, module, monkeypatch):
    """As after a sleep that lost them: registered, but the buffers of the kernels are empty."""
    change(module.policy)
    push = VLLMEngine.push

    def push_and_lose(engine, version, old):
        push(engine, version, old)
        worker = engine._llm.llm_engine.model_executor.driver_worker.worker
        for layer in worker.model_runner.lora_manager._adapter_manager.modules.values():
            for stack in layer.lora_b_stacked:
                stack.zero_()

    monkeypatch.setattr(VLLMEngine, "push", push_and_lose)
    with pytest.raises(RolloutError, match="lost the weights"):
        spoiled.prepare(module)
    monkeypatch.undo()


def test_the_base_served_in_place_of_the_adapter_is_caught(spoiled, module, monkeypatch):
    """The engine holds all it should, and does not use it."""
    change(module.policy)
    spoiled.prepare(module)
    monkeypatch.setattr("speciarl_pl.engine.vllm_engine._lora_request", lambda version: None)
    with pytest.raises(RolloutError, match="answers as the base does, without the adapter"):
        draw(spoiled, module)
    monkeypatch.undo()


def test_a_policy_that_moved_on_unseen_is_caught(spoiled, module, monkeypatch):
    spoiled.prepare(module)
    before = {name: tensor.clone() for name, tensor in spoiled.sync._state.items()}
    change(module.policy)
    monkeypatch.setattr(spoiled, "prepare", lambda module: None)
    spoiled.sync.unproven, spoiled.sync._previous = set(spoiled.engine.sources), before
    with pytest.raises(RolloutError, match="still answers with the version pushed before"):
        draw(spoiled, module)
    monkeypatch.undo()


# ------------------------------------------------------------------ drawing


def test_the_same_seeds_give_the_same_rollouts(callback, module):
    groups = draw(callback, module, count=6, size=4)
    assert tokens(groups) == tokens(draw(callback, module, count=6, size=4))
    assert tokens(groups) != tokens(draw(callback, module, count=6, size=4, first=7))


def test_greedy_rollouts_of_a_group_are_the_same(callback, module):
    for group in draw(callback, module, replace(ONE, temperature=0.0)):
        assert len({tuple(rollout.tokens.tolist()) for rollout in group.rollouts}) == 1


def test_rollouts_end_with_the_turn_or_are_cut(callback, module):
    end = set(module.policy.eos_token_ids)
    whole = draw(callback, module, Sampling(max_new_tokens=64))
    for rollout in (r for group in whole for r in group.rollouts):
        assert (int(rollout.tokens[-1]) in end) == (rollout.finish_reason == "stop")
        assert rollout.text == module.policy.decode(rollout.tokens)
    for group in draw(callback, module, Sampling(max_new_tokens=3)):
        assert {r.finish_reason for r in group.rollouts} == {"length"}
        assert {r.tokens.numel() for r in group.rollouts} == {3}


def test_rollouts_end_at_a_stop_text_and_keep_it(callback, module):
    groups = draw(callback, module, Sampling(max_new_tokens=64, stop=("</think>",)))
    texts = [rollout.text for group in groups for rollout in group.rollouts]
    assert all(text.partition("</think>")[2] == "" for text in texts)
    assert any(text.endswith("</think>") for text in texts)
    assert largest_gap(module.policy, groups) < 1e-4


# ---------------------------------------------------------------- bad input


def test_a_prompt_beyond_the_context_is_named_before_anything_is_drawn(callback, module):
    callback.prepare(module)
    (request,) = requests(module.policy, count=1)
    with pytest.raises(RolloutError, match=rf"{request.sample.id} .*max_new_tokens=5000 do not"):
        callback.draw(module, [request], Sampling(max_new_tokens=5000))


def test_another_prompt_than_the_trainers_is_named(callback, module):
    callback.prepare(module)
    (request,) = requests(module.policy, count=1)
    wide = replace(request.sample, image=request.sample.image.resize((224, 56)))
    with pytest.raises(RolloutError, match="prompt tokens"):
        callback.draw(module, [replace(request, sample=wide)], ONE)


def test_rollouts_are_told_of_as_they_finish(callback, module, monkeypatch):
    told = []
    asked = requests(module.policy)
    sampling = Sampling(max_new_tokens=48)
    step, seen = type(callback.engine._llm.llm_engine).step, []

    def counted(engine):
        seen.append(len(told))
        return step(engine)

    monkeypatch.setattr(type(callback.engine._llm.llm_engine), "step", counted)
    callback.prepare(module)
    groups = callback.draw(
        module, asked, sampling, lambda sample, text: told.append((sample.id, text))
    )
    drawn = [(group.sample.id, r.text) for group in groups for r in group.rollouts]
    assert sorted(told) == sorted(drawn)
    assert 0 < seen[-1] < len(told), "some were told of before the last step"
