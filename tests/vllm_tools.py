"""The real vLLM, for tests: whether it is there, requests to it, and servers of it on loopback."""

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import httpx
import lightning as L
import pytest
import runs
import torch
from counting import free_port

from speciarl_pl.callbacks import VLLMRolloutCallback
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy.base_model import resolve
from speciarl_pl.records import Sample
from speciarl_pl.sampling import RolloutRequest, Sampling
from speciarl_pl.world import draw as drawing
from speciarl_pl.world import world_specs

needs_vllm = pytest.mark.skipif(
    find_spec("vllm") is None and "CI" not in os.environ, reason="vLLM is not installed"
)

ONE = Sampling(max_new_tokens=24)
CACHE = 2**27


def module_of(policy):
    """A module with this policy, and a trainer."""
    module = SpeciaRLModule()
    module.policy = policy
    module.trainer = L.Trainer(accelerator="cpu", barebones=True)
    return module


def callback_of(**options):
    """A callback with a small cache."""
    return VLLMRolloutCallback(kv_cache_bytes=CACHE, **options)


def draw(callback, module, sampling=ONE, **options):
    """Push if need be, and draw groups about drawn things."""
    callback.prepare(module)
    return callback.draw(module, requests(module.policy, **options), sampling)


def requests(policy, count=4, size=3, prompt="What is it?", first=0):
    """Requests for groups of `size` about drawn things."""
    made = []
    for index, spec in enumerate(world_specs("all", count, 5)):
        sample = Sample(spec.id, "world", spec.truth, prompt, drawing(spec))
        start = first + 1000 * index
        made.append(
            RolloutRequest(sample, policy.encode(sample), tuple(range(start, start + size)))
        )
    return made


def strong_policy(**options):
    """The built-in base with an adapter that changes log-probs by whole nats."""
    policy = runs.world_policy(**options)
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "lora_B" in name:
                parameter.mul_(4)
    return policy


def tokens(groups):
    return [rollout.tokens.tolist() for group in groups for rollout in group.rollouts]


def largest_gap(policy, groups, temperature=1.0, reference=False):
    """Largest difference between the engine's log-probs and the trainer's, over all tokens."""
    with torch.no_grad():
        scores = policy.score(groups, temperature=temperature, reference=reference)
    sampled = torch.cat([rollout.logprobs for group in groups for rollout in group.rollouts])
    return (sampled - scores.logprobs[scores.mask]).abs().max().item()


def change(policy, factor=1.0):
    """Change the adapter as an optimiser would, in place."""
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "lora_B" in name:
                parameter.mul_(factor).add_(torch.randn_like(parameter), alpha=0.002)


class VLLMProcess:
    """A vLLM server on loopback; `url` is where it listens."""

    def __init__(self, model, *options, port=None, **variables):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(tempfile.mkdtemp()) / "server.log"
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
        command += ["--model", str(model), "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--dtype", "float32", "--enforce-eager", "--block-size", "32"]
        command += ["--kv-cache-memory-bytes", str(2**28)]
        environment = {
            **os.environ,
            "VLLM_NO_USAGE_STATS": "1",
            "OMP_NUM_THREADS": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # else both share the first core
            **variables,
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *options],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, seconds=240):
        """Until it answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                if httpx.get(f"{self.url}/health", timeout=2).is_success:
                    return self
            except httpx.TransportError:
                time.sleep(0.5)
        raise TimeoutError(self.log.read_text()[-3000:])

    def kill(self):
        """At once, with all its processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()


class Server(VLLMProcess):
    """A server of the built-in base, started as the README says."""

    def __init__(self, port=None):
        options = ["--enable-lora", "--max-lora-rank", "16"]
        options += ["--logprobs-mode", "processed_logprobs", "--max-model-len", "4096"]
        options += ["--worker-extension-cls", "speciarl_pl.engine.probe.AdapterProbe"]
        options += ["--limit-mm-per-prompt", '{"image": 1, "video": 0}']
        options += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192"]
        switches = ("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_SERVER_DEV_MODE")
        super().__init__(resolve("world"), *options, port=port, **dict.fromkeys(switches, "1"))
