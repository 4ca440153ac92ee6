"""A judge that asks a large language model."""

import copy
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, get_args

import httpx

from speciarl_pl.answer import DEFAULT_MAX_CHARS
from speciarl_pl.category import Category
from speciarl_pl.judge.calls import CallError
from speciarl_pl.judge.llm.constraint import Constraint
from speciarl_pl.judge.llm.endpoint import Chat
from speciarl_pl.judge.llm.llm_client import LLMClient, PairSettings
from speciarl_pl.judge.llm.prompt import load_prompt
from speciarl_pl.judge.loop import LoopJudge
from speciarl_pl.records import Pair

_log = logging.getLogger(__name__)

_FORMAT: Final = 1
"""Raised when this code sends other things, or reads another label from a reply, than before."""


class LLMJudge(LoopJudge[Pair]):
    """Asks any OpenAI-compatible endpoint, such as vLLM or a hosted API, at temperature 0.

    Truth and prediction are sent as written, but as quoted data (see `quote`). The reply is held to
    the labels of the prompt in the way that `constraint` names. A server may ignore that in
    silence, so it is read strictly (see `read_one`): what does not state just one label is asked
    once more and then left unjudged. No failure raises or becomes a category: each is `Unjudged`
    with the reason, and `transient` if asking later may help. Failures that may pass (no
    connection, no answer in time, status 408, 409, 425, 429 and from 500 on) are tried again by the
    client first, with growing pauses or as the endpoint says in `Retry-After`. When the endpoint is
    gone all the same, the rest of the pairs is not asked about one by one. An endpoint that knows
    only `max_completion_tokens`, or no temperature, gets what it takes.

    Any number of threads may ask at once. The judge opens itself when first asked.

    Args:
        base_url: Of the API, with its version, such as `http://127.0.0.1:8000/v1`.
        model: Name of the model there.
        revision: Revision of the model, for `fingerprint` only; set it when the weights behind the
            name change.
        prompt: Name of a packaged prompt (`single`, `batch`, `lenient`, `strict`, `decision_tree`,
            `checklist`, `binary`, `inclusion`), or path of a `.txt` file; see `load_prompt`.
        constraint: How replies are held to the labels: `choice` (vLLM's `structured_outputs`),
            `json_schema` (hosted APIs, older vLLM) or `text` (not at all). `auto`, of older
            configurations, is `choice`.
        batch_size: Most pairs in a call; above 1 only with a prompt that is made for batches.
        concurrency: Calls on their way at once, of all threads together.
        timeout_s: Seconds for each try of a call.
        retries: Further tries of a call after a failure that may pass.
        max_chars: Longest truth or prediction that is asked about, in characters.
        max_tokens: Longest reply for each pair of a call; None for as much as a label needs. An LLM
            that thinks aloud needs more.
        api_key_env: Name of the environment variable that holds the key, if one is needed.
        extra_body: Further fields of each request, such as
            `{"chat_template_kwargs": {"enable_thinking": False}}`.

    Raises:
        ValueError: If an argument is out of range, or `batch_size` does not suit the prompt.
        JudgeError: If there is no such prompt, or its file is malformed.

    Example:
        >>> judge = LLMJudge("http://127.0.0.1:8000/v1", "judge", timeout_s=5, retries=0)
        >>> judge.waits, judge.source
        (True, 'llm:single@1:judge')
        >>> judge.judge([Pair("lion", "x" * 600)])[0].reason
        'llm: prediction too long: 600 characters, at most 512 are asked about'
        >>> judge.close()
    """

    failures = (CallError,)

    def __init__(
        self,
        base_url: str,
        model: str,
        revision: str = "",
        prompt: str = "single",
        constraint: Literal["choice", "json_schema", "text", "auto"] = "choice",
        batch_size: int = 1,
        concurrency: int = 64,
        timeout_s: float = 60.0,
        retries: int = 4,
        max_chars: int = DEFAULT_MAX_CHARS,
        max_tokens: int | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        extra_body: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_url("base_url", base_url)
        check_text("model", model)
        check_text("api_key_env", api_key_env)
        constraint = checked_constraint(constraint)
        check_number("retries", retries, 0)
        for name, number in (
            ("batch_size", batch_size),
            ("concurrency", concurrency),
            ("max_chars", max_chars),
            ("max_tokens", 1 if max_tokens is None else max_tokens),
        ):
            check_number(name, number, 1)
        if not 0 < timeout_s < float("inf"):
            raise ValueError(f"timeout_s: expected a number > 0, got {timeout_s}")
        self.prompt = load_prompt(prompt)
        if batch_size > 1 and not self.prompt.batch:
            raise ValueError(
                f"batch_size: expected 1, got {batch_size}; the prompt {prompt!r} asks about one "
                "pair, use `batch` or a prompt of your own that says `batch: true`"
            )
        self.source = f"llm:{self.prompt.name}@{self.prompt.version}:{model}"
        """Source of the verdicts: name and version of the prompt, and the model."""
        self._extra_body = check_extra_body(extra_body or {})
        self._settings = PairSettings(
            self.prompt, self.source, constraint, batch_size, max_tokens, max_chars
        )
        self._model, self._revision = model, revision
        self._base_url, self._api_key_env = base_url, api_key_env
        self._timeout_s, self._retries, self._concurrency = timeout_s, retries, concurrency

    @property
    def reads_dataset(self) -> bool:
        """False: it is asked about words alone."""
        return False

    @property
    def fingerprint(self) -> str:
        """Model, revision, text of the prompt, categories and decoding settings, as JSON."""
        settings = self._settings
        decoding = {
            "temperature": 0,
            "constraint": settings.constraint,
            "batch_size": settings.batch_size,
            "max_tokens": settings.max_tokens,
            "extra_body": self._extra_body,
        }
        parts = {
            "judge": "llm",
            "format": _FORMAT,
            "model": self._model,
            "revision": self._revision,
            "prompt": self.prompt.digest,
            "labels": {label: category.label for label, category in self.prompt.labels.items()},
            "categories": [category.label for category in Category],
            "decoding": decoding,
        }
        return json.dumps(parts, sort_keys=True, separators=(",", ":"))

    @property
    def name(self) -> str:
        """Always `llm`, as in the sources of its verdicts."""
        return "llm"

    def _question(self, pair: Pair) -> Pair:
        return pair

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[LLMClient]:
        chat = Chat(
            self._base_url,
            self._model,
            self._timeout_s,
            self._retries,
            self._api_key_env,
            self._extra_body,
            connections=self._concurrency + 1,  # one for `check`
        )
        async with chat:
            yield LLMClient(chat, self._settings, self._concurrency, lambda: self.stats)


# Checks of what an LLM judge is made with.


_OURS: Final = frozenset(
    {
        "model",
        "messages",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "stream",
        "structured_outputs",
        "response_format",
        "tools",
        "tool_choice",
    }
)


def check_url(name: str, url: str) -> None:
    """Raise a `ValueError` unless `url` can be asked over HTTP."""
    try:
        read = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        read = httpx.URL("")
    if read.scheme not in ("http", "https") or not read.host:
        raise ValueError(
            f"{name}: expected a URL that begins with http:// or https://, got {url!r}"
        )


def check_text(name: str, text: str) -> None:
    """Raise a `ValueError` unless `text` is a non-empty text."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{name}: expected a non-empty text, got {text!r}")


def checked_constraint(constraint: str) -> Constraint:
    """Raise a `ValueError` unless `constraint` is one of `Constraint`, or the older `auto`."""
    if constraint == "auto":
        _log.warning(
            "constraint: auto is no longer found out, choice is taken; an endpoint that is no "
            "vLLM may want json_schema or text"
        )
        return "choice"
    known: tuple[Constraint, ...] = get_args(Constraint)
    for one in known:
        if constraint == one:
            return one
    raise ValueError(f"constraint: expected one of {', '.join(known)}; got {constraint!r}")


def check_number(name: str, number: int, least: int) -> None:
    """Raise a `ValueError` unless `number` is an int of at least `least`."""
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise ValueError(f"{name}: expected an int >= {least}, got {number!r}")


def check_extra_body(fields: dict[str, Any]) -> dict[str, Any]:
    """A copy of `fields`.

    Raises:
        ValueError: If they are not JSON, or set what the judge sets.
    """
    taken = sorted(_OURS & fields.keys())
    if taken:
        raise ValueError(f"extra_body: expected fields that the judge does not set, got {taken}")
    try:
        json.dumps(fields, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"extra_body: expected what JSON can hold: {error}") from error
    return copy.deepcopy(fields)
