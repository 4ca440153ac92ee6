"""What the judge service and its client agree on: records as JSON and back, and who may ask."""

import ipaddress
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json, to_json

from speciarl_pl.category import Category
from speciarl_pl.records import Judgement, Pair, Unjudged, Verdict

TOKEN_VARIABLE: Final = "SPECIARL_JUDGE_TOKEN"
"""Environment variable with the bearer token, for the service and for its clients."""

_CATEGORIES: Final = {category.label: category for category in Category}
_MAX_REASON: Final = 1000
"""Characters of a reason that are sent; some errors quote whole pages."""


@lru_cache(maxsize=8192)
def encode_judgement(judgement: Judgement) -> bytes:
    """A judgement as a JSON object.

    Example:
        >>> encode_judgement(Verdict(Category.LESS_SPECIFIC, "taxonomy:ancestor"))
        b'{"category":"less specific","source":"taxonomy:ancestor","cached":false}'
        >>> encode_judgement(Unjudged("timeout", transient=True))
        b'{"unjudged":"timeout","transient":true}'
    """
    if isinstance(judgement, Verdict):
        return to_json(
            {
                "category": judgement.category.label,
                "source": _clean(judgement.source),
                "cached": judgement.cached,
            }
        )
    reason = _clean(judgement.reason)[:_MAX_REASON] or "no reason given"
    return to_json({"unjudged": reason, "transient": judgement.transient})


def decode_judgement(value: Any) -> Judgement | None:
    """Read a judgement from parsed JSON; None if it is not exactly one.

    Example:
        >>> decode_judgement({"category": "generic", "source": "llm:single", "cached": True})
        Verdict(category=<Category.GENERIC: 2>, source='llm:single', cached=True)
        >>> decode_judgement({"category": "rather generic", "source": "llm", "cached": True})
    """
    if not isinstance(value, dict) or ("category" in value) == ("unjudged" in value):
        return None
    if "unjudged" in value:
        reason, transient = value["unjudged"], value.get("transient", False)
        is_sound = isinstance(reason, str) and reason and isinstance(transient, bool)
        return Unjudged(reason, transient) if is_sound else None
    label, source, cached = value["category"], value.get("source"), value.get("cached", False)
    category = _CATEGORIES.get(label) if isinstance(label, str) else None
    if category is None or not isinstance(source, str) or not isinstance(cached, bool):
        return None
    return Verdict(category, source, cached)


def encode_reply(judgements: Sequence[Judgement]) -> bytes:
    """The whole answer to a request that does not stream."""
    return b'{"verdicts":[%b]}' % b",".join(map(encode_judgement, judgements))


def encode_line(index: int, judgement: Judgement) -> bytes:
    r"""One line of a streamed answer.

    Example:
        >>> encode_line(7, Unjudged("timeout"))
        b'{"index":7,"unjudged":"timeout","transient":false}\n'
    """
    return b'{"index":%d,%b\n' % (index, encode_judgement(judgement)[1:])


def encode_done(number: int) -> bytes:
    r"""The last line of a streamed answer to `number` pairs.

    Example:
        >>> encode_done(2)
        b'{"done":2}\n'
    """
    return b'{"done":%d}\n' % number


def decode_line(line: bytes) -> tuple[int, Judgement] | int | None:
    """Read a line of a streamed answer.

    Returns:
        Index and judgement, or the number of the last line, or None if it is neither.

    Example:
        >>> decode_line(b'{"index":7,"unjudged":"timeout","transient":false}')
        (7, Unjudged(reason='timeout', transient=False))
        >>> decode_line(b'{"done":8}')
        8
        >>> decode_line(b"<html>")
    """
    try:
        value = from_json(line)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    if "done" in value:
        return _count(value["done"])
    judgement, index = decode_judgement(value), _count(value.get("index"))
    return None if judgement is None or index is None else (index, judgement)


def encode_pair(pair: Pair) -> bytes:
    r"""A pair as a JSON object of ASCII characters.

    Lone surrogates, which a model may sample, go over the wire as escapes.

    Example:
        >>> encode_pair(Pair("Citro\u00ebn", "\ud800"))
        b'{"truth": "Citro\\u00ebn", "prediction": "\\ud800"}'
        >>> encode_pair(Pair("rose", "flower", "flowers102"))
        b'{"truth": "rose", "prediction": "flower", "dataset": "flowers102"}'
    """
    fields = {"truth": pair.truth, "prediction": pair.prediction}
    if pair.dataset:  # absent where there is none, as older services know no such field
        fields["dataset"] = pair.dataset
    return json.dumps(fields).encode("ascii")


def encode_request(pairs: Sequence[bytes], stream: bool) -> bytes:
    """The body of a request about encoded pairs.

    Example:
        >>> encode_request([encode_pair(Pair("lion", "cat"))], stream=True)
        b'{"pairs":[{"truth": "lion", "prediction": "cat"}],"stream":true}'
    """
    return b'{"pairs":[%b],"stream":%b}' % (b",".join(pairs), b"true" if stream else b"false")


def encode_error(detail: str) -> bytes:
    """The body of an answer that is an error."""
    return to_json({"detail": _clean(detail)})


def _count(value: object) -> int | None:
    """`value` if it counts something; a bool is an int, too, and does not."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _clean(text: str) -> str:
    """`text` without lone surrogates, which JSON in UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def check_token(token: str | None) -> None:
    """Raise a `ValueError`, which does not show the token, if it cannot be sent in a header."""
    if token is not None and not (token and all("!" <= character <= "~" for character in token)):
        raise ValueError(
            f"token ({TOKEN_VARIABLE}): expected visible ASCII characters without blanks, "
            "got an empty one or others"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a service bound to `host`.

    Example:
        >>> [is_loopback(host) for host in ("localhost", "127.8.8.8", "::1", "node1", "")]
        [True, True, True, False, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
