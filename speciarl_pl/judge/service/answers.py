"""A judge behind a service: whatever goes wrong with some pairs, the others get their answers."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Final, Protocol, TypeVar

import anyio

from speciarl_pl.answer import answer_key
from speciarl_pl.judge.base import Judge, JudgeUnavailableError
from speciarl_pl.judge.wire import encode_judgement
from speciarl_pl.records import Judgement, Pair, Unjudged

NO_TRUTH: Final = Unjudged("no truth to compare with")
"""Of a pair whose truth is blank."""
BROKEN: Final = Unjudged("the judge failed on this pair; the log of the service says why")
"""Of pairs left without a judgement by a bug in the judge."""

_GATHER_S: Final = 0.001
"""How long judgements are gathered, so that a quick judge makes few large chunks."""

_logger = logging.getLogger(__name__)

T = TypeVar("T")


class Question(Protocol):
    """Anything with a truth, a prediction and their data set."""

    @property
    def truth(self) -> str:
        """As in `Pair`."""

    @property
    def prediction(self) -> str:
        """As in `Pair`."""

    @property
    def dataset(self) -> str:
        """As in `Pair`."""


def answer_each(
    judge: Judge,
    questions: Sequence[Question],
    max_chars: int,
    on_bug: Callable[[], None] = lambda: None,
) -> Generator[tuple[int, Judgement], None, None]:
    """Judge `questions`, give each judgement as soon as it is there, and count; raises nothing.

    Those equal but for case and white space are asked about once. A text that is too long, or that
    no service could take, is not asked about.

    Args:
        judge: An opened judge.
        questions: Truths and predictions as written.
        max_chars: Longest text that is asked about.
        on_bug: Called when the judge broke its contract or raised what it should not.

    Yields:
        Every place in `questions` once, in any order, and its judgement. If the service behind the
        judge fails, those not judged yet are unjudged for now; if the judge itself does, for good.

    Example:
        >>> from speciarl_pl.judge.rules.exact import ExactJudge
        >>> pairs = [Pair("Lion", "lion"), Pair("", "cat"), Pair("cat", "c" * 99)]
        >>> for place, judgement in sorted(answer_each(ExactJudge(), pairs, max_chars=10)):
        ...     print(place, judgement.code, getattr(judgement, "reason", "exact"))
        0 4 exact
        1 -2 no truth to compare with
        2 -2 prediction: expected at most 10 characters, got 99
    """
    given: list[Judgement] = []
    try:
        for place, judgement in _answers(judge, questions, max_chars, on_bug):
            given.append(judgement)
            yield place, judgement
    finally:
        judge.stats.count(given)


def _answers(
    judge: Judge, questions: Sequence[Question], max_chars: int, on_bug: Callable[[], None]
) -> Iterator[tuple[int, Judgement]]:
    places: dict[tuple[str, str, str], list[int]] = {}
    for place, question in enumerate(questions):
        refusal = _refusal(question, max_chars)
        if refusal is not None:
            yield place, refusal
        else:
            key = answer_key(question.truth), answer_key(question.prediction), question.dataset
            places.setdefault(key, []).append(place)
    groups = list(places.values())
    firsts = [questions[group[0]] for group in groups]
    asked = [Pair(first.truth, first.prediction, first.dataset) for first in firsts]
    for index, judgement in _each_once(judge, asked, on_bug):
        for place in groups[index]:
            yield place, judgement


def _refusal(question: Question, max_chars: int) -> Unjudged | None:
    for name in ("truth", "prediction", "dataset"):
        text = getattr(question, name)
        if len(text) > max_chars:
            return Unjudged(f"{name}: expected at most {max_chars} characters, got {len(text)}")
        if not _is_plain(text):
            return Unjudged(f"{name}: expected text without NUL and lone surrogates")
    return None if answer_key(question.truth) else NO_TRUTH


def _is_plain(text: str) -> bool:
    try:
        return "\0" not in text and (text.isascii() or bool(text.encode()))
    except UnicodeEncodeError:
        return False


def _each_once(
    judge: Judge, pairs: list[Pair], on_bug: Callable[[], None]
) -> Iterator[tuple[int, Judgement]]:
    """Every index of `pairs` once, whatever the judge does."""
    missing = dict.fromkeys(range(len(pairs)))
    rest = BROKEN
    each: Iterator[tuple[int, Judgement]] | None = None
    try:
        each = judge.judge_each(pairs)
        for index, judgement in each:
            encode_judgement(judgement)  # raises if it is none
            del missing[index]
            yield index, judgement
        assert not missing, f"{len(missing)} of {len(pairs)} pairs got no answer"
    except (OSError, JudgeUnavailableError) as error:
        reason = f"{type(judge).__name__}: {type(error).__name__}: {error}"
        rest = Unjudged(reason, transient=True)
    except Exception:
        _logger.exception("%s failed; %d pairs are unjudged", type(judge).__name__, len(missing))
        on_bug()
    finally:
        if isinstance(each, Generator):
            each.close()  # nobody may want the rest
    for index in missing:
        yield index, rest


async def in_a_thread(
    items: Generator[T, None, None], threads: anyio.CapacityLimiter
) -> AsyncGenerator[list[T], None]:
    """Run a generator in a thread, and give what it yields.

    Starlette would take its items one by one, each by way of the event loop.

    Args:
        items: The generator. It is closed, in its thread, when nobody reads on; as soon as it has
            yielded once more, since code that blocks cannot be interrupted.
        threads: Bounds them, those that nobody reads any more included.

    Yields:
        What has come since the last chunk, as soon as there is something.

    Example:
        >>> async def collect():
        ...     squares = (number * number for number in range(4))
        ...     chunks = in_a_thread(squares, anyio.CapacityLimiter(1))
        ...     return [number async for chunk in chunks for number in chunk]
        >>> asyncio.run(collect())
        [0, 1, 4, 9]
    """
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    queue: deque[T] = deque()
    is_wanted, is_told, has_ended = True, False, False
    failure: Exception | None = None

    def run() -> None:
        nonlocal is_told, has_ended, failure
        try:
            with closing(items):
                for item in items:
                    if not is_wanted:
                        break
                    queue.append(item)
                    if not is_told:  # once a chunk: each call wakes the loop through a pipe
                        is_told = True
                        loop.call_soon_threadsafe(ready.set)
        except Exception as error:
            failure = error
        finally:
            has_ended = True  # known at once; the end of the task takes turns of a busy loop
            loop.call_soon_threadsafe(ready.set)

    # A task of its own, which is not cancelled with the reader, so that the thread is counted.
    running = asyncio.create_task(anyio.to_thread.run_sync(run, limiter=threads))
    try:
        while not has_ended or queue:
            await ready.wait()
            if not has_ended:
                await asyncio.sleep(_GATHER_S)
            ready.clear()
            is_told = False  # before the queue is emptied: what comes from here on tells again
            if chunk := [queue.popleft() for _ in range(len(queue))]:
                yield chunk
        if failure is not None:
            raise failure
    finally:
        is_wanted = False
        del running  # kept until here, since a loop holds its tasks weakly
