"""What an endpoint calls the fields of a request, learned from what it refuses."""

import re
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from openai import APIStatusError, OpenAIError

_REFUSED: Final = (400, 422)
_UNKNOWN = re.compile(
    r"(?:un|not |n't |does not |no longer )support|unrecogni[sz]ed|unknown|unexpected|deprecated"
    r"|not (?:permitted|allowed|available)|use '?max_completion_tokens|only the default",
    re.IGNORECASE,
)
"""How a refusal says that it is about the field, not about its value."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one endpoint wants to be told how long a reply may be, and at which temperature.

    Example:
        >>> Dialect().fields(8)
        {'max_tokens': 8, 'temperature': 0}
        >>> Dialect("max_completion_tokens", temperature=False).fields(8)
        {'max_completion_tokens': 8}
    """

    length: str = "max_tokens"
    """Name of the field with the longest reply, in tokens."""
    temperature: bool = True
    """Whether a temperature may be given."""

    def fields(self, max_tokens: int) -> dict[str, Any]:
        """Fields of a request."""
        return {self.length: max_tokens} | ({"temperature": 0} if self.temperature else {})

    def without(self, error: OpenAIError) -> Self | None:
        """The dialect to try next if `error` refuses a field of this one, else None."""
        if not isinstance(error, APIStatusError) or error.status_code not in _REFUSED:
            return None
        body = error.body if isinstance(error.body, dict) else {}
        told = str(body.get("message") or body.get("detail") or error.body)
        if not _UNKNOWN.search(told):
            return None
        about = f"{body.get('param') or ''} {told}"
        if self.length == "max_tokens" and re.search(r"\bmax_tokens\b", about):
            return replace(self, length="max_completion_tokens")
        if self.temperature and re.search(r"\btemperature\b", about):
            return replace(self, temperature=False)
        return None
