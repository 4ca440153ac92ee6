from speciarl_pl.category import Category
from speciarl_pl.judge.audit.pairs import LabelledPair
from speciarl_pl.judge.audit.share import Share
from speciarl_pl.judge.audit.summary import summarise
from speciarl_pl.records import Pair, Unjudged, Verdict


def summary_of(judgements, datasets=None):
    datasets = datasets or [""] * len(judgements)
    rows = [LabelledPair(Pair("a", "b"), 1, name) for name in datasets]
    return summarise("judge", "print", rows, judgements)


def test_sources_are_tallied_by_their_first_word():
    summary = summary_of(
        [
            Verdict(Category.SPECIFIC, "exact:same"),
            Verdict(Category.WRONG, "llm:single", cached=True),
            Verdict(Category.WRONG, "llm:single:v2"),
            Verdict(Category.WRONG, "llm:batch"),
            Verdict(Category.GENERIC, "taxonomy:ancestor", cached=True),
            Unjudged("llm: down"),
        ]
    )

    assert list(summary.sources.items()) == [("llm", 3), ("exact", 1), ("taxonomy", 1)]
    assert summary.cached == Share(2, 5)
    assert summary.without_llm == Share(2, 6)


def test_alike_reasons_count_as_one_and_five_are_named():
    reasons = [f"taxonomy: unknown prediction {text!r}" for text in ("a", "dog's", 'x "y"')]
    reasons += [f"reason {place}" for place in range(6) for _ in range(2)]

    summary = summary_of([Unjudged(reason) for reason in reasons])

    assert summary.reasons == {
        "taxonomy: unknown prediction '...'": 3,
        **{f"reason {place}": 2 for place in range(4)},
    }
    assert summary.unjudged == 15


def test_reasons_are_cut_and_cleared_of_control_characters():
    (reason,) = summary_of([Unjudged("\x1b[2J\n\udc80" + "x" * 10_000)]).reasons

    assert reason.startswith("\\x1b[2J\\n\\udc80xx")
    assert len(reason) == 160


def test_verdicts_are_counted_by_data_set():
    wrong = Verdict(Category.WRONG, "rule:it")
    summary = summary_of([wrong, Unjudged("no"), wrong], ["pets", "cars", "pets"])

    assert list(summary.datasets) == ["cars", "pets"]
    assert summary.datasets["pets"] == (2, 0, 0, 0, 0, 0, 0)
    assert summary.verdicts == (2, 0, 0, 0, 0, 0, 1)
    assert summary_of([]).verdicts == (0,) * 7
