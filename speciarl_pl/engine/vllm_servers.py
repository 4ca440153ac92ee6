"""Several vLLM servers as one engine: spread by load, and going on when one of them fails."""

import asyncio
import os
import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
from anyio.from_thread import start_blocking_portal
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from speciarl_pl.engine.adapter_store import AdapterVersion
from speciarl_pl.engine.chat_request import chat_body, read_reply
from speciarl_pl.engine.engine import Engine, EngineReport, check_lengths
from speciarl_pl.engine.served import check_servable
from speciarl_pl.engine.server import TransientServerError, UnreachableServerError, VLLMServer
from speciarl_pl.errors import RolloutError
from speciarl_pl.policy import Policy
from speciarl_pl.records import RolloutGroup
from speciarl_pl.sampling import Finished, RolloutRequest, Sampling

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How servers are asked: the options of `VLLMServerRolloutCallback`, which explains them."""

    api_key_env: str | None = None
    connect_timeout: float = 5.0
    request_timeout: float = 600.0
    push_timeout: float = 120.0
    start_timeout: float = 60.0
    attempts: int = 5
    max_in_flight: int = 32
    inspect: bool = True
    server_adapter_dir: str | None = None

    def __post_init__(self) -> None:
        for name in ("connect_timeout", "request_timeout", "push_timeout", "start_timeout"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected seconds > 0, got {getattr(self, name)}")
        for name in ("attempts", "max_in_flight"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected an int >= 1, got {getattr(self, name)}")
        if self.api_key_env is not None and not os.environ.get(self.api_key_env):
            raise ValueError(
                f"api_key_env: expected a variable that is set, got {self.api_key_env}"
            )

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        key = os.environ[self.api_key_env] if self.api_key_env else None
        return {"Authorization": f"Bearer {key}"} if key else {}


@dataclass(slots=True)
class _Member:
    """A server and how it does."""

    server: VLLMServer
    slots: asyncio.Semaphore
    up: bool = True
    in_flight: int = 0
    reason: str = ""


class VLLMServers(Engine):
    """vLLM servers over the policy's base, on this machine or on others.

    A server that fails is left out until it answers again, and what it was asked is asked of the
    others. A server that comes back, or was started anew, is pushed to before it is used.

    Args:
        servers: Their URLs.
        options: How they are asked.

    Raises:
        ValueError: Without a server.
    """

    shared = True
    consecutive_seeds = True

    def __init__(self, servers: list[str], options: ServerOptions = ServerOptions()) -> None:
        if not servers:
            raise ValueError("servers: expected at least one URL, got none")
        self.servers = servers
        self.options = options

    def open(self, policy: Policy) -> None:
        """Get in touch with the servers.

        Raises:
            RolloutError: If a server does not answer within `start_timeout`.
            ValueError: If the adapter cannot be served.
        """
        super().open(policy)
        check_servable(policy)
        options = self.options
        self._version: AdapterVersion | None = None
        self._pushed = False
        self._portal_context = start_blocking_portal()
        self._portal = self._portal_context.__enter__()
        self._client = httpx.AsyncClient(
            headers=options.headers,
            timeout=httpx.Timeout(options.request_timeout, connect=options.connect_timeout),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )
        self._members = [
            _Member(VLLMServer(url, self._client), asyncio.Semaphore(options.max_in_flight))
            for url in dict.fromkeys(self.servers)
        ]
        try:
            lengths = self._run(self._each, self._members, self._first_contact)
        except BaseException:
            self.close()
            raise
        self._context_length = min(lengths)

    # ---------------------------------------------------------------- state

    @property
    def sources(self) -> Sequence[str]:
        """URLs of the servers that are up."""
        return [member.server.url for member in self._up()]

    def holds(self, version: AdapterVersion) -> bool:
        """Look at all servers, also those that were down."""
        listed = self._run(self._each, self._members, self._look)
        self._up_or_raise()
        return all(version.name in names for names in listed if names is not None)

    def adopt(self, version: AdapterVersion) -> None:
        """Use the servers to which another process has pushed `version`, and no others.

        Raises:
            RolloutError: If there is none.
        """
        listed = self._run(self._each, self._members, self._look)
        for member, names in zip(self._members, listed, strict=True):
            if names is not None and version.name not in names:
                member.up, member.reason = False, f"{version.name} was not pushed to it"
        self._up_or_raise()
        self._version = version

    def close(self) -> None:
        """Remove the adapter that was pushed from here, and close all connections."""
        if self._pushed:
            self._run(self._each, self._up(), self._leave)
        self._portal.call(self._client.aclose)
        self._portal_context.__exit__(None, None, None)

    def _up(self) -> list[_Member]:
        return [member for member in self._members if member.up]

    def _up_or_raise(self) -> list[_Member]:
        if up := self._up():
            return up
        reasons = "; ".join(member.reason for member in self._members)
        raise RolloutError(f"no vLLM server is left: {reasons}")

    async def _first_contact(self, member: _Member) -> int:
        """Context length of a server, as soon as it is up."""
        options = self.options
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientServerError),
            stop=stop_after_delay(options.start_timeout),
            wait=wait_random_exponential(0.5, max=5),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    models = await asyncio.wait_for(member.server.models(), options.start_timeout)
        except (TransientServerError, TimeoutError) as error:
            raise RolloutError(
                f"{str(error) or member.server.url}: the server does not answer "
                f"(waited start_timeout={options.start_timeout:g} s); is it up?"
            ) from error
        return int(models[0]["max_model_len"])

    async def _look(self, member: _Member) -> list[str] | None:
        """Names of the adapters of a server; None, and out of use, if it does not answer."""
        try:
            models = await asyncio.wait_for(member.server.models(), self.options.push_timeout)
        except (TransientServerError, TimeoutError) as error:
            self._down(member, error)
            return None
        member.up = True
        return [str(model["id"]) for model in models]

    def _down(self, member: _Member, error: BaseException) -> None:
        """Leave a server out, and say so once."""
        member.reason = str(error) or f"{member.server.url}: no answer"
        if member.up:
            member.up = False
            left = len(self._up())
            warnings.warn(f"{member.reason}; going on with {left} servers", stacklevel=2)

    # ----------------------------------------------------------------- push

    def push(self, version: AdapterVersion, old: AdapterVersion | None) -> None:
        """Load `version` on all servers that are up, in place of what this run had there."""

        async def load(member: _Member) -> None:
            await self._reached(member, self._load(member, version))

        self._version, self._pushed = version, True
        self._run(self._each, self._up_or_raise(), load)
        self._up_or_raise()

    async def _load(self, member: _Member, version: AdapterVersion) -> None:
        folder, limit = self.options.server_adapter_dir, self.options.push_timeout
        path = Path(folder, version.path.parent.name, version.name) if folder else version.path
        for name in await self._own(member, version):  # a server may have missed some pushes
            await member.server.unload(name, limit)
        await member.server.load(version.name, str(path), limit)
        own = await self._own(member, version)
        if own != [version.name]:
            raise RolloutError(
                f"adapter push to {member.server.url} failed its proof: expected {version.name} "
                f"alone to be loaded, got {own}; an old version was not removed, or the new one "
                "not loaded"
            )

    async def _own(self, member: _Member, version: AdapterVersion) -> list[str]:
        """Adapters of this run on a server."""
        run = version.name.rpartition("-")[0]
        names = [str(model["id"]) for model in await member.server.models()]
        return [name for name in names if name.startswith(f"{run}-")]

    async def _leave(self, member: _Member) -> None:
        """Remove our adapter; a server that is gone needs no more than that."""
        with suppress(TransientServerError):
            if self._version is not None:
                await member.server.unload(self._version.name, self.options.push_timeout)

    def report(self, modules: Sequence[str]) -> Mapping[str, Sequence[EngineReport]]:
        """What the workers of each server say of the adapter; nothing without `inspect`."""
        if not self.options.inspect:
            return {}
        found: dict[str, Sequence[EngineReport]] = {}

        async def look(member: _Member) -> None:
            asked = member.server.report(modules, self.options.push_timeout)
            reports = await self._reached(member, asked)
            if reports is not None:
                found[member.server.url] = reports

        self._run(self._each, self._up_or_raise(), look)
        self._up_or_raise()
        return found

    async def _reached(self, member: _Member, asked: Coroutine[Any, Any, T]) -> T | None:
        """Result of a request; None, and the server out of use, if it can not be reached."""
        try:
            return await asked
        except TransientServerError as error:
            self._down(member, error)
            return None

    # ----------------------------------------------------------------- draw

    def draw(
        self,
        requests: Sequence[RolloutRequest],
        sampling: Sampling,
        finished: Finished | None = None,
    ) -> list[RolloutGroup]:
        """Draw one group per request; a group comes from one server as a whole."""
        assert self._version is not None, "a push comes first"
        check_lengths(requests, sampling, self._context_length)
        name = self._version.name
        bodies = [chat_body(self.policy, request, sampling, name) for request in requests]

        async def all_groups() -> list[RolloutGroup]:
            pairs = zip(requests, bodies, strict=True)
            return await _gather(
                [self._group(request, sampling, body, finished) for request, body in pairs]
            )

        return self._run(all_groups)

    async def _group(
        self,
        request: RolloutRequest,
        sampling: Sampling,
        body: Mapping[str, Any],
        finished: Finished | None,
    ) -> RolloutGroup:
        """One group, from whichever server gives it."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientServerError),
            stop=stop_after_attempt(self.options.attempts),
            wait=wait_random_exponential(0.2, max=10),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    member, reply = await self._reply(body)
        except TransientServerError as error:
            raise RolloutError(
                f"sample {request.sample.id}: no server gave its rollouts in "
                f"{self.options.attempts} attempts; the last: {error}"
            ) from error
        group = read_reply(self.policy, request, sampling, reply)
        if finished is not None:
            for rollout in group.rollouts:
                finished(request.sample, rollout.text)
        return replace(group, source=member.server.url)

    async def _reply(self, body: Mapping[str, Any]) -> tuple[_Member, dict[str, Any]]:
        """Answer of the server that has the least to do."""
        member = min(self._up_or_raise(), key=lambda member: member.in_flight)
        member.in_flight += 1
        try:
            async with member.slots:
                if not member.up:
                    raise UnreachableServerError(member.reason)
                return member, await member.server.chat(body)
        except UnreachableServerError as error:
            self._down(member, error)
            raise
        finally:
            member.in_flight -= 1

    # ------------------------------------------------------------- plumbing

    def _run(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """Run a coroutine function on the loop that holds the connections."""
        result: T = self._portal.call(function, *args)
        return result

    async def _each(
        self, members: Sequence[_Member], ask: Callable[[_Member], Coroutine[Any, Any, T]]
    ) -> list[T]:
        return await _gather([ask(member) for member in members])


async def _gather(coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Results of all, in order; the first failure ends the others and is raised by itself."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
