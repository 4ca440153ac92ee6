"""Rollouts from real vLLM servers on loopback, with the built-in base."""

import json
import threading
from dataclasses import replace

import pytest
import torch
from test_configs import steps
from test_ddp import assert_both_ended_alike, assert_rollouts_are_there_once, fit_on_two
from vllm_tools import (
    ONE,
    Server,
    change,
    draw,
    largest_gap,
    module_of,
    needs_vllm,
    strong_policy,
    tokens,
)

from speciarl_pl.callbacks import VLLMServerRolloutCallback
from speciarl_pl.engine.adapter_store import AdapterStore
from speciarl_pl.errors import RolloutError
from speciarl_pl.sampling import Sampling

pytestmark = [pytest.mark.slow, needs_vllm]


@pytest.fixture(scope="module")
def servers():
    """Two servers; tests that kill one start it anew."""
    pair = [Server(), Server()]
    for server in pair:
        server.wait()
    yield pair
    for server in pair:
        server.kill()


@pytest.fixture(scope="module")
def module(servers):
    return module_of(strong_policy())


@pytest.fixture
def callback(servers):
    callback = VLLMServerRolloutCallback([server.url for server in servers], start_timeout=5)
    yield callback
    callback.close()


def ask(callback, module, sampling=ONE, count=8, size=4, **options):
    return draw(callback, module, sampling, count=count, size=size, **options)


@pytest.mark.parametrize("temperature", [1.0, 0.7, 0.0])
def test_log_probs_are_the_trainers_on_both_servers(callback, module, temperature):
    groups = ask(callback, module, replace(ONE, temperature=temperature))
    assert largest_gap(module.policy, groups, temperature or 1.0) < 1e-4
    assert largest_gap(module.policy, groups, temperature or 1.0, reference=True) > 0.5
    assert not callback.sync.unproven, "both servers drew, and both were proven"


def test_log_probs_are_the_trainers_after_twenty_pushes(callback, module):
    for _ in range(20):
        change(module.policy)
        callback.prepare(module)
    assert callback.sync.version.number == 20
    groups = ask(callback, module)
    assert largest_gap(module.policy, groups) < 1e-4
    assert largest_gap(module.policy, groups, reference=True) > 0.5


def test_the_same_seeds_give_the_same_rollouts(callback, module):
    groups = ask(callback, module)
    assert tokens(groups) == tokens(ask(callback, module))
    assert len({tuple(row) for row in tokens(groups)}) > len(groups)


def test_both_servers_hold_one_adapter_and_none_when_closed(callback, module):
    ask(callback, module)
    change(module.policy)
    ask(callback, module)
    pool = callback.engine
    for member in pool._members:
        names = [model["id"] for model in pool._run(member.server.models)]
        own = [name for name in names if name.startswith("speciarl-")]
        assert own == [callback.sync.version.name]
    callback.close()


def test_stop_texts_end_a_rollout(callback, module):
    groups = ask(callback, module, Sampling(max_new_tokens=64, stop=("</think>",)))
    texts = [rollout.text for group in groups for rollout in group.rollouts]
    assert all(text.partition("</think>")[2] == "" for text in texts)
    assert any(text.endswith("</think>") for text in texts)


def test_without_inspection_log_probs_are_the_proof(servers, module):
    callback = VLLMServerRolloutCallback([servers[0].url], inspect=False)
    ask(callback, module)
    assert not callback.sync.unproven
    callback.close()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda name: name.replace(".layers.1.", ".layers.77."), r"21 of 28 LoRA modules"),
        (lambda name: name.replace("q_proj", "z_proj"), "cannot load the adapter"),
    ],
    ids=["a layer that is none", "a name that is none"],
)
def test_a_renamed_module_is_caught(callback, module, monkeypatch, spoil, message):
    write = AdapterStore.write
    monkeypatch.setattr(
        AdapterStore,
        "write",
        lambda store, state, config: write(store, {spoil(n): t for n, t in state.items()}, config),
    )
    with pytest.raises(RolloutError, match=message):
        callback.prepare(module)


def test_an_empty_adapter_is_caught(callback, module, monkeypatch):
    write = AdapterStore.write
    monkeypatch.setattr(
        AdapterStore, "write", lambda store, state, config: write(store, {}, config)
    )
    with pytest.raises(RolloutError, match="cannot load the adapter"):
        callback.prepare(module)


def test_an_old_version_under_the_new_name_is_caught(callback, module, monkeypatch):
    callback.prepare(module)
    old, write = dict(callback.sync._state), AdapterStore.write
    change(module.policy)
    monkeypatch.setattr(
        AdapterStore, "write", lambda store, state, config: write(store, old, config)
    )
    with pytest.raises(RolloutError, match="are not those of the policy"):
        callback.prepare(module)


def test_another_base_is_caught_by_its_log_probs(callback, module):
    """As seen from a trainer whose base differs."""
    policy = strong_policy()
    with torch.no_grad():
        for name, parameter in policy.base.named_parameters():
            if "lora" not in name:
                parameter.add_(torch.randn_like(parameter), alpha=0.05 * parameter.std().item())
    with pytest.raises(RolloutError, match="another base model"):
        ask(callback, module_of(policy))


def test_an_unreachable_folder_is_explained(servers, module):
    callback = VLLMServerRolloutCallback([servers[0].url], server_adapter_dir="/nowhere")
    with pytest.raises(RolloutError, match=r"/nowhere.*adapter_dir, server_adapter_dir"):
        callback.prepare(module)
    callback.close()


def test_the_config_for_server_nodes_takes_steps(servers, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["speciarl_pl"])
    urls = json.dumps([server.url for server in servers])
    steps(
        "cub_lora_vllm_servers.yaml",
        tmp_path,
        "--model.lora.r=16",
        f"--rollout.init_args.servers={urls}",
        f"--rollout.init_args.adapter_dir={tmp_path / 'adapters'}",
    )
    assert not any((tmp_path / "adapters").iterdir()), "nothing is left behind"


def test_two_ranks_draw_from_the_servers_to_which_one_has_pushed(servers, tmp_path):
    run = fit_on_two(tmp_path, *(server.url for server in servers))
    assert_both_ended_alike(run)
    assert_rollouts_are_there_once(run)


def test_a_server_killed_in_the_middle_of_a_batch_and_started_anew(servers, callback, module):
    """Every rollout is there once; the new server is pushed to before it is used."""
    whole = ask(callback, module)
    version = callback.sync.version
    killer = threading.Timer(0.3, servers[1].kill)
    killer.start()
    with pytest.warns(UserWarning, match=rf"{servers[1].url}.*going on with 1 servers"):
        groups = ask(callback, module, Sampling(max_new_tokens=64), count=24, size=8)
    killer.join()
    seeds = [rollout.seed for group in groups for rollout in group.rollouts]
    assert len(seeds) == len(set(seeds)) == 24 * 8
    assert largest_gap(module.policy, groups) < 1e-4
    assert callback.engine.sources == [servers[0].url]
    assert tokens(ask(callback, module)) == tokens(whole), "a push is not needed for one server"
    assert callback.sync.version == version

    servers[1] = Server(port=servers[1].port).wait()
    groups = ask(callback, module)
    assert callback.sync.version.number == version.number + 1
    assert set(callback.engine.sources) == {server.url for server in servers}
    assert not callback.sync.unproven, "the new server drew, and was proven"
    assert largest_gap(module.policy, groups) < 1e-4
