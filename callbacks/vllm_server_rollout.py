"""Rollouts from vLLM servers, on this machine or on others."""

import os
from collections.abc import Sequence
from typing import Any

from speciarl_pl.callbacks.synced_rollout import SyncedRolloutCallback
from speciarl_pl.engine import AdapterVersion, Engine
from speciarl_pl.engine.pool import ServerOptions, ServerPool
from speciarl_pl.errors import RolloutError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import Sample
from speciarl_pl.system.together import together


class VLLMServerRolloutCallback(SyncedRolloutCallback):
    """Draws rollouts from one or more vLLM servers; the trainer needs no vLLM of its own.

    Groups go to the server that has the least to do. A server that fails is left out, with a
    warning, and what it was asked is asked of the others; it is used again after it answers and
    has been pushed to. With several training processes rank 0 pushes, and all draw.

    vLLM draws a group from one seed and counts up from it, so the seeds of a group are the first
    rollout's and those after it.

    Args:
        servers: Their URLs, such as `http://node1:8000`.
        api_key_env: Environment variable that holds the servers' bearer token, so that the token
            itself stays out of config.yaml.
        connect_timeout: Seconds until a server that takes no connection counts as down.
        request_timeout: Seconds until a server that does not answer a request for rollouts counts
            as hung.
        push_timeout: The same for loading an adapter.
        start_timeout: Seconds to wait for servers that are not up yet when the run starts.
        attempts: Times that a group is asked for, in all.
        max_in_flight: Groups that one server draws at once, per training process.
        inspect: Ask servers which weights they hold; they need `speciarl_pl` installed, and to be
            started as the README shows. Without it a push is proven by names and log-probabilities.
        server_adapter_dir: `adapter_dir` as the servers see it; null: the same path.
        **options: Those of `SyncedRolloutCallback`. For servers on other machines `adapter_dir`
            has to be a folder that they can read.
    """

    def __init__(
        self,
        servers: list[str],
        *,
        api_key_env: str | None = None,
        connect_timeout: float = 5.0,
        request_timeout: float = 600.0,
        push_timeout: float = 120.0,
        start_timeout: float = 60.0,
        attempts: int = 5,
        max_in_flight: int = 32,
        inspect: bool = True,
        server_adapter_dir: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not servers:
            raise ValueError("servers: expected at least one URL, got none")
        self.servers: Sequence[str] = servers
        self.server_options = ServerOptions(
            _read_key(api_key_env),
            connect_timeout,
            request_timeout,
            push_timeout,
            start_timeout,
            attempts,
            max_in_flight,
            inspect,
            server_adapter_dir,
        )

    def start_engine(self, module: SpeciaRLModule) -> Engine:
        """Get in touch with the servers."""
        return ServerPool(module.loaded_policy, self.servers, self.server_options)

    def sync(self, module: SpeciaRLModule) -> None:
        """Push the adapter if the servers do not serve it yet; rank 0 does it for all."""
        trainer = module.trainer
        if trainer.world_size == 1:
            super().sync(module)
            return
        with together(trainer, RolloutError):
            if trainer.is_global_zero:
                super().sync(module)
        version = trainer.strategy.broadcast(self._version)
        with together(trainer, RolloutError):
            if not trainer.is_global_zero:
                assert version is not None
                self._follow(module, version)

    def _follow(self, module: SpeciaRLModule, version: AdapterVersion) -> None:
        """Draw with what rank 0 has pushed."""
        engine = self._started(module)
        assert isinstance(engine, ServerPool)
        self._changed(module)
        engine.adopt(version)
        if version != self._version:
            self._version = version
            self._unproven = set(engine.sources)

    def _seeds(self, sample: Sample, step: int, size: int) -> tuple[int, ...]:
        (first,) = super()._seeds(sample, step, 1)
        first //= 2  # room to count up
        return tuple(range(first, first + size))


def _read_key(variable: str | None) -> str | None:
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise ValueError(f"api_key_env: expected a variable that is set, got {variable}")
    return os.environ[variable]
