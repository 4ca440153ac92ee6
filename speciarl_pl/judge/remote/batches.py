"""Asks a judge service about many pairs: in batches, at once, and again where it failed."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import anyio
import httpx

from speciarl_pl.judge.calls import CallError, retrying
from speciarl_pl.judge.remote.request import ask_once, ask_ready
from speciarl_pl.judge.stats import JudgeStats
from speciarl_pl.records import Judgement

_MAX_BODY: Final = 2**20
"""Bytes of a request, well below what a service takes; a pair that is longer goes alone."""
_LONGEST_WAIT_S: Final = 30.0

Give: TypeAlias = Callable[[int, Judgement], None]
"""Called with the place of a pair and its judgement."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is asked at once, and how often again."""

    batch_size: int
    """Most pairs of one request."""
    concurrency: int
    """Requests on their way at once."""
    retries: int
    """Times that pairs without an answer are asked about again."""
    wait_s: float
    """Seconds before the first such time; doubled for each further one."""


class VerdictClient:
    """Asks one judge service; used on one event loop.

    Args:
        client: Connections to the service, with its token.
        url: Of the service.
        patience: How much is asked at once, and how often again.
        stats: Gives the counters of now.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        patience: Patience,
        stats: Callable[[], JudgeStats],
    ) -> None:
        self._client = client
        self._url = url
        self._patience = patience
        self._stats = stats
        self._slots = anyio.Semaphore(patience.concurrency)

    async def check(self) -> None:
        """Make sure that the service says it is ready.

        Raises:
            CallError: If it does not; says why.
        """
        await ask_ready(self._client, f"{self._url}/readyz")

    async def ask(self, pairs: Sequence[bytes], give: Give) -> None:
        """Call `give` once for each of the encoded `pairs`, as soon as its judgement is there."""
        async with anyio.create_task_group() as group:
            for places in _batches(pairs, self._patience.batch_size):
                group.start_soon(self._ask_batch, pairs, places, give)

    async def _ask_batch(self, pairs: Sequence[bytes], places: range, give: Give) -> None:
        missing = dict.fromkeys(places)

        def take(place: int, judgement: Judgement) -> None:
            del missing[place]
            give(place, judgement)

        try:
            patience = self._patience
            async for attempt in retrying(patience.retries, patience.wait_s, _LONGEST_WAIT_S):
                with attempt:
                    await self._request(pairs, list(missing), take)
        except CallError as error:
            for place in list(missing):
                take(place, error.unjudged)

    async def _request(self, pairs: Sequence[bytes], places: list[int], take: Give) -> None:
        """One request about the pairs at `places`."""
        async with self._slots:
            began = time.perf_counter()
            try:
                await ask_once(
                    self._client,
                    f"{self._url}/v1/judge",
                    [pairs[place] for place in places],
                    lambda index, judgement: take(places[index], judgement),
                )
            except CallError as error:
                self._stats().count_error(error.kind)
                raise
            self._stats().count_request(time.perf_counter() - began, 0, 0)


def _batches(pairs: Sequence[bytes], batch_size: int) -> Iterator[range]:
    """Places of the pairs of each request."""
    begin = size = 0
    for place, pair in enumerate(pairs):
        if place > begin and (place - begin >= batch_size or size + len(pair) > _MAX_BODY):
            yield range(begin, place)
            begin, size = place, 0
        size += len(pair) + 1
    if len(pairs) > begin:
        yield range(begin, len(pairs))
