"""Rollouts from vLLM servers, on this machine or on others."""

from speciarl_pl.callbacks.rollout.rollout_callback import RolloutCallback
from speciarl_pl.engine import AdapterSync, ServerOptions, VLLMServers
from speciarl_pl.sampling import Sampling


class VLLMServerRolloutCallback(RolloutCallback):
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
        max_gap: The run stops when the mean gap between an engine's log-probabilities and the
            trainer's is larger (nats a token); null: by number format.
        canary_rollouts: Rollouts of one group that are compared after a push.
        canary_tokens: Tokens of each that are compared.
        adapter_dir: Where adapters are written for the servers; null: in memory where possible. For
            servers on other machines it has to be a folder that they can read.
        memory_growth: A growth of a server's memory over pushes by this share, if it is more than
            1 GiB, is warned about.
        group_size: Rollouts per training sample (paper: 10).
        sampling: How they are drawn.
        val_group_size: Rollouts per validation sample, and per photo in prediction.
        val_sampling: How those are drawn; null: as in training but greedy.
        seed: Seed of all rollouts; null: the run's, from `seed_everything`.
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
        max_gap: float | None = None,
        canary_rollouts: int = 4,
        canary_tokens: int = 32,
        adapter_dir: str | None = None,
        memory_growth: float = 0.1,
        group_size: int = 10,
        sampling: Sampling = Sampling(),  # noqa: B008 (frozen)
        val_group_size: int = 1,
        val_sampling: Sampling | None = None,
        seed: int | None = None,
    ) -> None:
        options = ServerOptions(
            api_key_env,
            connect_timeout,
            request_timeout,
            push_timeout,
            start_timeout,
            attempts,
            max_in_flight,
            inspect,
            server_adapter_dir,
        )
        super().__init__(
            VLLMServers(servers, options),
            group_size,
            sampling,
            val_group_size,
            val_sampling,
            seed,
            AdapterSync(max_gap, canary_rollouts, canary_tokens, adapter_dir, memory_growth),
        )
