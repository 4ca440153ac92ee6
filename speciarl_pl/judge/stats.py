"""What judges count: pairs, cache hits, requests to a back-end and what they cost."""

from collections import Counter as Tally
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from speciarl_pl.records import Judgement, Verdict

_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class JudgeStats:
    """Counters of one tree of judges, ready for Prometheus.

    A composite judge hands its own to the judges inside (`Judge.use`), so that one registry holds
    all. Counters only grow, and are safe to count from several threads.

    Example:
        >>> from speciarl_pl.category import Category
        >>> stats = JudgeStats()
        >>> stats.count([Verdict(Category.SPECIFIC, "exact:same")])
        >>> stats.value("pairs", source="exact", result="verdict")
        1.0
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._pairs = self._counter("pairs", "Pairs asked about", "source", "result")
        self._cache = self._counter("cache", "Look-ups: hit, miss, merged, unreadable", "result")
        self._stage = self._counter(
            "stage", "Pairs decided by a stage of a cascade", "stage", "result"
        )
        self._errors = self._counter("backend_errors", "Failed requests to a back-end", "kind")
        self._tokens = self._counter("backend_tokens", "Tokens sent to and from a back-end", "kind")
        self._seconds = Histogram(
            "speciarl_judge_backend_seconds",
            "Seconds of a request to a back-end",
            registry=self.registry,
            buckets=_SECONDS,
        )

    def count(self, judgements: Iterable[Judgement]) -> None:
        """Count what was answered: by the first word of the source, or as unjudged."""
        tally = Tally(
            judgement.source if isinstance(judgement, Verdict) else None for judgement in judgements
        )
        for source, number in tally.items():
            name = "none" if source is None else source.partition(":")[0]
            result = "unjudged" if source is None else "verdict"
            self._pairs.labels(name, result).inc(number)

    def count_cache(self, result: str, number: int = 1) -> None:
        """Count look-ups: `hit`, `miss`, `merged` or `unreadable`."""
        if number:
            self._cache.labels(result).inc(number)

    def count_stage(self, stage: str, decided: int, passed: int) -> None:
        """Count what a stage of a cascade decided and what it passed on."""
        self._stage.labels(stage, "decided").inc(decided)
        self._stage.labels(stage, "passed").inc(passed)

    def count_error(self, kind: str) -> None:
        """Count a failed request to a back-end: `timeout`, `connection`, `status_503`, ..."""
        self._errors.labels(kind).inc()

    def count_request(self, seconds: float, prompt_tokens: int, completion_tokens: int) -> None:
        """Count an answered request to a back-end."""
        self._seconds.observe(seconds)
        self._tokens.labels("prompt").inc(prompt_tokens)
        self._tokens.labels("completion").inc(completion_tokens)

    def value(self, name: str, **labels: str) -> float:
        """Current value of the counter `name`, such as `cache`; 0 if it never counted."""
        return self.registry.get_sample_value(f"speciarl_judge_{name}_total", labels) or 0.0

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"speciarl_judge_{name}", text, labels, registry=self.registry)
