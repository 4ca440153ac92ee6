import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.answer import answer_key
from speciarl_pl.judge import ExactJudge
from speciarl_pl.judge.audit.rewordings import REWORDINGS
from speciarl_pl.records import Pair

BY_NAME = {rewording.name: rewording for rewording in REWORDINGS}
NAMES = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a X", "Samoyed", "a Samoyed"),
        ("a X", "Airbus A320", "an Airbus A320"),
        ("a X", "the lion", "a lion"),
        ("a X", "an owl", None),
        ("a X", "It is a dog", None),
        ("a X", "A dog. Perhaps a Samoyed", None),
        ("a X", "either a or b", None),
        ("a X", "I-16", "an I-16"),
        ("X.", "Samoyed", "Samoyed."),
        ("X.", "Samoyed. ", None),
        ("X.", "Samoyed?", None),
        ("upper case", "Boeing 707", "BOEING 707"),
        ("upper case", "707", None),
        ("upper case", "strasse, stra\u00dfe", "STRASSE, STRASSE"),
        ("upper case", "d\u0131ng", None),
        ("lower case", "Boeing 707", "boeing 707"),
        ("lower case", "dog", None),
        ("It is a X", "Airedale", "It is an Airedale"),
        ("It is a X", "this is a dog", None),
        ("a photo of a X", "The Lion", "a photo of a Lion"),
        ("a photo of a X", "a photo of a dog", None),
        ('"X"', " dog ", '"dog"'),
        ('"X"', 'a "dog"', None),
        ("doubled blanks", "Boeing 707 320", "Boeing  707  320"),
        ("doubled blanks", "dog", None),
    ],
)
def test_rewordings(name, text, expected):
    assert BY_NAME[name].of(text) == expected


def test_names_are_unique():
    assert len(BY_NAME) == len(REWORDINGS) == 8


@given(name=NAMES)
@pytest.mark.parametrize("rewording", REWORDINGS, ids=lambda rewording: rewording.name)
def test_rewordings_keep_a_name(rewording, name):
    written = rewording.of(name)

    assert written != name
    assert written is None or answer_key(name) in answer_key(written)


@given(words=st.lists(NAMES, min_size=1, max_size=3))
@pytest.mark.parametrize("name", ["a X", "X.", "lower case", '"X"', "doubled blanks"])
def test_rewordings_that_spelling_rules_fold_are_the_same_to_the_exact_judge(name, words):
    prediction = " ".join(words)
    written = BY_NAME[name].of(prediction)

    before, after = ExactJudge().judge(
        [Pair(prediction, prediction), Pair(prediction, written or prediction)]
    )

    assert before == after
