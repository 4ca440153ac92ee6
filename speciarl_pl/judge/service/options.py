"""Limits of the judge service and who may use it."""

from dataclasses import dataclass, field

from speciarl_pl.judge.wire import TOKEN_VARIABLE, check_token, is_loopback


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Limits of the judge service and who may use it.

    Raises:
        ValueError: If a limit is out of range or the token cannot be sent in a header.
    """

    token: str | None = field(default=None, repr=False)
    """Bearer token that clients have to send; None lets anyone in who reaches the port."""
    max_pairs: int = 4096
    """Most pairs of one request."""
    max_body_bytes: int = 4 * 2**20
    """Largest body of a request; the rest of a larger one is not read."""
    max_chars: int = 2000
    """Longest truth or prediction in characters; a pair with a longer one is unjudged."""
    max_asking: int = 256
    """Requests that are at the judge at once, each in a thread; others wait."""
    receive_s: float = 30.0
    """Seconds in which a connection has to send its first request, and a request its body."""
    check_interval_s: float = 3.0
    """Seconds for which the answer to a check of the back-end is kept."""
    check_timeout_s: float = 5.0
    """Seconds until a check that hangs counts as failed."""
    shutdown_s: float = 30.0
    """Seconds to finish what was accepted before the service ends."""

    def __post_init__(self) -> None:
        for name in ("max_pairs", "max_body_bytes", "max_chars", "max_asking"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected an int >= 1, got {getattr(self, name)}")
        for name in ("receive_s", "check_interval_s", "check_timeout_s", "shutdown_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected seconds > 0, got {getattr(self, name)}")
        check_token(self.token)


def check_open_to(host: str, token: str | None) -> None:
    """Make sure that only this machine can reach a service without a token.

    Raises:
        ValueError: If `host` is no loopback address and there is no token.

    Example:
        >>> check_open_to("127.0.0.1", None)
        >>> check_open_to("0.0.0.0", None)
        Traceback (most recent call last):
        ...
        ValueError: host: expected a loopback address such as 127.0.0.1 without a token, got \
'0.0.0.0'; set SPECIARL_JUDGE_TOKEN to let other machines in
    """
    if token is None and not is_loopback(host):
        raise ValueError(
            f"host: expected a loopback address such as 127.0.0.1 without a token, got {host!r}; "
            f"set {TOKEN_VARIABLE} to let other machines in"
        )
