"""A judge behind a service: whatever goes wrong with some pairs, the others get their answers."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final, Protocol

from speciarl_pl.answer import answer_key
from speciarl_pl.judge.base import Judge, JudgeUnavailableError
from speciarl_pl.judge.wire import encode_judgement
from speciarl_pl.records import Judgement, Pair, Unjudged

NO_TRUTH: Final = Unjudged("no truth to compare with")
"""Of a pair whose truth is blank."""
BROKEN: Final = Unjudged("the judge failed on this pair; the log of the service says why")
"""Of pairs left without a judgement by a bug in the judge."""

_logger = logging.getLogger(__name__)


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
    """Judge `questions` and give each judgement as soon as it is there; raises nothing.

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
