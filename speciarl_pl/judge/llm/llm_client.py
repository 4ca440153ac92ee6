"""Pairs put to an LLM: how many a call, how often again, and what becomes of its replies."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import anyio

from speciarl_pl.judge.calls import CallError
from speciarl_pl.judge.llm.constraint import Constraint, batch_field, one_field, tokens_needed
from speciarl_pl.judge.llm.endpoint import Chat, RefusedError, UnreadableReplyError
from speciarl_pl.judge.llm.prompt import Prompt
from speciarl_pl.judge.llm.stated_label import read_batch, read_one
from speciarl_pl.judge.stats import JudgeStats
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict

Give = Callable[[int, Judgement], None]
"""Takes the place of a pair and its judgement."""

_TRIES: Final = 2
"""How often one pair is asked when the reply cannot be read."""
_OUTAGE: Final = 3
"""So many calls in a row that failed for want of an endpoint mean that there is none."""
_GONE: Final = ("connection", "timeout", "status_502", "status_503", "status_504")
_SPLIT: Final = (400, 413, 422)
"""Refusals that may be due to one pair of a batch."""


@dataclass(frozen=True, slots=True)
class PairSettings:
    """How an LLM is asked about pairs."""

    prompt: Prompt
    """The prompt."""
    source: str
    """Source of its verdicts."""
    constraint: Constraint
    """How its replies are constrained."""
    batch_size: int
    """Most pairs of a call."""
    max_tokens: int | None
    """Longest reply for each pair; None for as much as a label needs."""
    max_chars: int
    """Longest truth or prediction that is asked about."""


class LLMClient:
    """Asks one LLM about pairs, a bounded number of calls at a time; used on one event loop.

    Args:
        chat: The LLM.
        settings: How it is asked.
        concurrency: Calls at a time, of all who ask.
        stats: Gives the counters.
    """

    def __init__(
        self, chat: Chat, settings: PairSettings, concurrency: int, stats: Callable[[], JudgeStats]
    ) -> None:
        self._chat, self._settings, self._stats = chat, settings, stats
        self._labels = list(settings.prompt.labels)
        self._slots = anyio.Semaphore(concurrency)

    async def ask(self, pairs: Sequence[Pair], give: Give) -> None:
        """Give a judgement for each of `pairs`, as they come."""
        sound: dict[int, Pair] = {}
        for place, pair in enumerate(pairs):
            problem = self._problem(pair)
            if problem is None:
                sound[place] = pair
            else:
                give(place, Unjudged(f"llm: {problem}"))
        await self._ask_all(sound, give)

    async def check(self) -> None:
        """Ask for one token; see `Chat.check`. It does not wait for a free slot."""
        await self._chat.check()

    def _problem(self, pair: Pair) -> str | None:
        limit = self._settings.max_chars
        for name, text in (("truth", pair.truth), ("prediction", pair.prediction)):
            if len(text) > limit:
                return f"{name} too long: {len(text)} characters, at most {limit} are asked about"
            try:
                text.encode()
            except UnicodeEncodeError:
                return f"{name} is no valid text: it holds a lone surrogate"
        return None

    async def _ask_all(self, questions: dict[int, Pair], give: Give) -> None:
        places, size, breaker = list(questions), self._settings.batch_size, _Breaker()
        async with anyio.create_task_group() as group:
            for start in range(0, len(places), size):
                chunk = {place: questions[place] for place in places[start : start + size]}
                # A task is begun only with a slot, so that many pairs are not many tasks.
                await self._slots.acquire()
                group.start_soon(self._ask_chunk, chunk, give, breaker)

    async def _ask_chunk(self, chunk: dict[int, Pair], give: Give, breaker: "_Breaker") -> None:
        try:
            whole = await self._ask_batch(list(chunk.values()), breaker)
            for index, (place, pair) in enumerate(chunk.items()):
                give(place, whole[index] if whole else await self._ask_one(pair, breaker))
        finally:
            self._slots.release()

    async def _ask_batch(
        self, pairs: list[Pair], breaker: "_Breaker"
    ) -> Sequence[Judgement] | None:
        """Judgements of `pairs` from one call, or None if they have to be asked one by one."""
        if len(pairs) == 1:
            return None
        try:
            return await breaker.watch(partial(self._verdicts, pairs))
        except UnreadableReplyError:
            return None
        except CallError as error:
            return None if error.status in _SPLIT else [error.unjudged] * len(pairs)

    async def _ask_one(self, pair: Pair, breaker: "_Breaker") -> Judgement:
        unreadable = ""
        for _ in range(_TRIES):
            try:
                return (await breaker.watch(partial(self._verdicts, [pair])))[0]
            except CallError as error:
                return error.unjudged
            except UnreadableReplyError as error:
                unreadable = str(error)
        return Unjudged(f"llm: unreadable reply ({unreadable})")

    async def _verdicts(self, pairs: list[Pair]) -> list[Verdict]:
        """Verdicts of one call.

        Raises:
            CallError: If there was no reply.
            UnreadableReplyError: If the reply does not plainly give one label to each pair.
        """
        prompt, mode, count = self._settings.prompt, self._settings.constraint, len(pairs)
        fields = (
            batch_field(mode, self._labels, count)
            if prompt.batch
            else one_field(mode, self._labels)
        )
        tokens = count * (self._settings.max_tokens or tokens_needed(self._labels))
        reply = await self._complete(prompt.messages(pairs), tokens, fields)
        if prompt.batch:
            labels = read_batch(reply, self._labels, count)
        else:
            one = read_one(reply, self._labels)
            labels = None if one is None else [one]
        if labels is None:
            raise self._unreadable(UnreadableReplyError("not just one label a pair", reply))
        verdict = partial(Verdict, source=self._settings.source)
        return [verdict(prompt.labels[label]) for label in labels]

    async def _complete(
        self, messages: list[dict[str, str]], max_tokens: int, fields: dict[str, Any]
    ) -> str:
        """The text of a reply; counts what it cost and what failed."""
        try:
            text, usage, seconds = await self._chat.complete(messages, max_tokens, fields)
        except CallError as error:
            self._stats().count_error(error.kind)
            if isinstance(error, RefusedError) and any(name in error.told for name in fields):
                raise self._not_taken(error) from error
            raise
        self._stats().count_request(seconds, usage.prompt_tokens, usage.completion_tokens)
        if isinstance(text, UnreadableReplyError):
            raise self._unreadable(text)
        return text

    def _not_taken(self, error: CallError) -> CallError:
        """Says what to do about an endpoint that refuses the field of the constraint."""
        cure = f"; it may not take constraint: {self._settings.constraint}, name another"
        return CallError(f"{error}{cure}", error.kind, error.transient, error.status)

    def _unreadable(self, error: UnreadableReplyError) -> UnreadableReplyError:
        self._stats().count_error("unreadable")
        return error


class _Breaker:
    """Spares the rest of many pairs the wait for an endpoint that is gone."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._last: CallError | None = None

    async def watch(self, call: Callable[[], Awaitable[list[Verdict]]]) -> list[Verdict]:
        """Make a call, unless those before it say that the endpoint is gone.

        Raises:
            CallError: If the call brought no reply, or was not made.
            UnreadableReplyError: If its reply cannot be read.
        """
        if self._last is not None and self._in_a_row >= _OUTAGE:
            raise self._last.with_traceback(None)  # else it grows with each pair
        try:
            verdicts = await call()
        except CallError as error:
            self._last = error
            self._in_a_row = self._in_a_row + 1 if error.kind in _GONE else 0
            raise
        except UnreadableReplyError:
            self._in_a_row = 0
            raise
        self._in_a_row = 0
        return verdicts
