"""What an answer names in a tree, once what merely stands beside the name is taken off."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from speciarl_pl.judge.rules.describing import (
    comments,
    describes,
    hedges,
    undescribed,
    without_lead,
)
from speciarl_pl.judge.rules.names import split_year
from speciarl_pl.judge.rules.tree import Node, Taxonomy

_SENTENCES = re.compile(r"(?<=\w{3}[.!])\s+(?=[A-Z\"'(])|(?<=\d[.!])\s+(?=[A-Z])|\s*\n+\s*")
_ALIASES = re.compile(
    r"[\s,;(]+(?:(?:also|commonly|sometimes|otherwise|formerly|better) )*"
    r"(?:called|known (?:simply )?as|named|referred to as|a\.?k\.?a\.?|i\.e\.,?|scientific name:?|"
    r"scientifically)\s+(?=\S)",
    re.IGNORECASE,
)
_ALIAS_MARKS = re.compile(r"\s*(?:,|;|/|\bor\b|\band\b)\s*(?:simply |also )?|[()\"\u201c\u201d]+")
_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_TAIL = re.compile(r"\s*(?:;|,(?!\d)| - | \u2013 | \u2014 |: )\s*")
_CLAUSE = re.compile(
    r"\s+(?=(?:with|in|of|from|by|operated by|flown by|owned by|that|which|having|showing|on) )"
)
_OPERATED = re.compile(
    r"(?:(?:operated|flown|owned|used|run) by .+|in (?:the )?.+ (?:livery|colou?rs|paint|markings)|"
    r"(?:of |from |by |the )*\S+(?: \S+){0,3} (?:airlines?|airways|air lines|air force|navy))",
    re.IGNORECASE,
)
_ATTRIBUTE_LEAD = re.compile(
    r"^(?:operated by|flown by|owned by|of|from|by|in|with) (?:the )?", re.IGNORECASE
)
_LIVERY = re.compile(
    r"(?:'s|\u2019s)?(?: (?:livery|colou?rs|paint scheme|markings|plane|fleet))?$", re.IGNORECASE
)
_ATTRIBUTE_WORDS: Final = 3
"""Most words of an attribute in front of or behind a name."""
_MOST_CHARS: Final = 300
"""Longer answers are essays, left to a judge that reads them."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names."""

    nodes: tuple[Node, ...]
    """One node, or that of a name and that of a generic one behind it, both of which are meant."""
    year: int | None = None
    """A year said beside a name that has none."""
    is_described: bool = False
    """Whether looks are said beside it, which may exclude things below it."""


class Reader:
    """Reads answers by one tree.

    Args:
        taxonomy: The tree.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy

    def name(self, text: str) -> Named | None:
        """What the whole of `text` names, without a year if need be."""
        nodes = self._whole(text)
        if nodes:
            return Named(nodes)
        dated = split_year(text)
        if dated is None:
            return None
        nodes = self._whole(f"{dated[0]} {dated[1]}") or self._whole(dated[0])
        return Named(nodes, dated[1]) if nodes else None

    def gist(self, text: str) -> Named | None:
        """What `text` names when what says nothing beside a name is taken off; None in doubt.

        Taken off are an opening such as "I think it is", attributes ("a Qantas plane"), brackets
        and clauses that describe ("with blue or violet flowers"), repeat the name ("also called"),
        say what kind of thing it is ("a white dog"), and sentences that comment on the answer.
        """
        if len(text) > _MOST_CHARS:
            return None
        first, *rest = _SENTENCES.split(text.strip())
        named = self._statement(without_lead(first))
        if named is None or not all(self._is_comment(named, sentence) for sentence in rest):
            return None
        return replace(named, is_described=named.is_described or not all(map(hedges, rest)))

    def _whole(self, text: str) -> tuple[Node, ...]:
        found = self._taxonomy.find(text)
        return (found,) if found else self._taxonomy.name_and_kind(text) or ()

    def _statement(self, text: str) -> Named | None:
        head, *aliases = _ALIASES.split(text, maxsplit=1)
        named = self._decorated(head)
        if named is None or not all(self._repeats(named, alias) for alias in aliases):
            return None
        return named

    def _repeats(self, named: Named, aliases: str) -> bool:
        """Whether none of `aliases` is the name of another thing."""
        found = [self.name(alias) for alias in _ALIAS_MARKS.split(aliases) if alias.strip()]
        return all(other is None or _adds_nothing(named, other) for other in found)

    def _decorated(self, text: str) -> Named | None:
        """A name with brackets, appositions and clauses, each of which adds nothing."""
        brackets = [match[1] for match in _BRACKET.finditer(text)]
        head, *tails = _TAIL.split(_BRACKET.sub("", text))
        named = self._bare(head)
        if named is None:
            head, *clauses = _CLAUSE.split(head, maxsplit=1)
            tails = [*clauses, *tails]
            named = self._bare(head) if clauses else None
        extras = [extra for extra in (*brackets, *tails) if extra.strip()]
        if named is None or not all(self._is_beside(named, extra) for extra in extras):
            return None
        return replace(named, is_described=any(map(self._says_looks, extras)))

    def _says_looks(self, extra: str) -> bool:
        """Whether something beside a name says more than what kind of thing it is."""
        return not (hedges(extra) or self._is_operator(extra) or self.name(extra))

    def _is_operator(self, extra: str) -> bool:
        return self._is_attribute(extra) or _OPERATED.fullmatch(extra.strip()) is not None

    def _bare(self, text: str) -> Named | None:
        """A name alone, or with an attribute in front or behind."""
        named = self.name(text)
        if named is not None or not text.strip():
            return named if named is None or named.nodes[0].role != "attribute" else None
        return next(filter(None, map(self.name, self._without_attribute(text))), None)

    def _without_attribute(self, text: str) -> Iterator[str]:
        words = text.split()
        for size in range(1, min(_ATTRIBUTE_WORDS, len(words) - 1) + 1):
            if self._is_attribute(" ".join(words[:size])):
                yield " ".join(words[size:])
            if self._is_attribute(" ".join(words[-size:])):
                yield " ".join(words[:-size])

    def _is_attribute(self, text: str) -> bool:
        bare = _LIVERY.sub("", _ATTRIBUTE_LEAD.sub("", text.strip()))
        found = self._taxonomy.find(bare)
        return found is not None and found.role == "attribute"

    def _is_beside(self, named: Named, extra: str) -> bool:
        """Whether `extra` adds nothing to a name: describes it, or says its kind."""
        if describes(extra) or self._is_operator(extra):
            return True
        head, *clauses = _CLAUSE.split(extra.strip(), maxsplit=1)
        if not all(describes(clause) or self._is_attribute(clause) for clause in clauses):
            return False
        others = [self.name(text) for text in (head, undescribed(head))]
        known = [other for other in others if other is not None]
        return bool(known) and _adds_nothing(named, known[0])

    def _is_comment(self, named: Named, sentence: str) -> bool:
        """Whether a further sentence leaves the answer as it is."""
        if not comments(sentence):
            return self._is_beside(named, without_lead(sentence))
        words = sentence.lower().split()
        spans = (
            " ".join(words[start : start + size])
            for size in range(1, _ATTRIBUTE_WORDS + 1)
            for start in range(len(words) - size + 1)
        )
        found = (self._taxonomy.find(span) for span in spans)
        return all(
            node is None or not node.is_truth or _adds_nothing(named, Named((node,)))
            for node in found
        )


def _adds_nothing(named: Named, other: Named) -> bool:
    """Whether all that `other` names is what `named` names or lies above it."""
    return all(
        any(node.is_at_or_above(own) for own in named.nodes) for node in other.nodes
    ) and other.year in (None, named.year)
