"""One vLLM server, seen through HTTP."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from speciarl_pl.engine.engine import EngineReport
from speciarl_pl.errors import RolloutError

_BUSY: Final = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses of a server that may answer when asked again."""

_START_HINT: Final = (
    "start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 and --enable-lora (the README shows how)"
)
_PROBE_HINT: Final = (
    "start the server with VLLM_SERVER_DEV_MODE=1 and --worker-extension-cls "
    "speciarl_pl.engine.probe.AdapterProbe, or set inspect: false"
)


class TransientServerError(Exception):
    """Asking again may help, here or elsewhere."""


class UnreachableServerError(TransientServerError):
    """The server did not answer; another one may."""


class BusyServerError(TransientServerError):
    """The server answered that it can not answer now."""


class VLLMServer:
    """Requests to one server, and what its answers mean.

    Args:
        url: Such as `http://node1:8000`, with or without `/v1`.
        client: Shared by all servers; keeps connections open.
    """

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._client = client

    async def models(self) -> list[dict[str, Any]]:
        """The base and the adapters that the server offers."""
        answer = await self._ask("GET", "/v1/models")
        try:
            return list(answer.json()["data"])
        except (ValueError, KeyError, TypeError) as error:
            raise RolloutError(f"{self.url}: no vLLM server: {answer.text[:200]!r}") from error

    async def load(self, name: str, path: str, timeout: float) -> None:
        """Load an adapter from a path that the server can read."""
        body = {"lora_name": name, "lora_path": path}
        answer = await self._send("POST", "/v1/load_lora_adapter", body, timeout)
        if answer.status_code in (404, 405) and "lora" not in answer.text.lower():
            raise RolloutError(f"{self.url}: cannot load adapters while it runs; {_START_HINT}")
        if answer.is_error:
            raise RolloutError(
                f"{self.url}: cannot load the adapter {path}: {_message(answer)}; trainer and "
                "server need this folder in common (adapter_dir, server_adapter_dir)"
            )

    async def unload(self, name: str, timeout: float) -> None:
        """Remove an adapter; no matter if it is gone already."""
        await self._send("POST", "/v1/unload_lora_adapter", {"lora_name": name}, timeout)

    async def report(self, modules: Sequence[str], timeout: float) -> list[EngineReport]:
        """What the server's workers say of the adapter they serve."""
        body = {"method": "speciarl_report", "args": [json.dumps(list(modules))]}
        answer = await self._send("POST", "/collective_rpc", body, timeout)
        if answer.is_error:
            raise RolloutError(f"{self.url}: the adapter cannot be inspected; {_PROBE_HINT}")
        return [EngineReport(**json.loads(reply)) for reply in answer.json()["results"]]

    async def chat(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A chat completion."""
        answer = await self._ask("POST", "/v1/chat/completions", body)
        return dict(answer.json())

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        answer = await self._send(method, path, body)
        if answer.status_code in _BUSY:
            raise BusyServerError(f"{self.url}: {answer.status_code}: {_message(answer)}")
        if answer.status_code >= 500:  # the engine behind it has died
            raise UnreachableServerError(f"{self.url}: {answer.status_code}: {_message(answer)}")
        if answer.is_error:
            raise RolloutError(f"{self.url}{path}: {answer.status_code}: {_message(answer)}")
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        limit: Any = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
        try:
            return await self._client.request(method, self.url + path, json=body, timeout=limit)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise UnreachableServerError(f"{self.url}: {reason}") from error


def _message(answer: httpx.Response) -> str:
    """What an error answer says."""
    try:
        body = answer.json()
        found = body.get("error", body)
        return str(found.get("message", found) if isinstance(found, dict) else found)[:300]
    except (ValueError, AttributeError):
        return answer.text[:300]
