import json

from speciarl_pl.category import Category
from speciarl_pl.judge import ExactJudge
from speciarl_pl.judge.audit import LabelledPair, PairFile, audit, to_json
from speciarl_pl.records import Pair

ROWS = (
    LabelledPair(Pair("Samoyed", "samoyed"), 2, "pets", Category.SPECIFIC),
    LabelledPair(Pair("Samoyed", "dog"), 3, "pets", Category.GENERIC),
    LabelledPair(Pair("Samoyed", "none"), 4, "pets"),
)


def test_json_comes_back_as_it_went():
    values = to_json(audit(ExactJudge(), PairFile("a.csv", 3, ROWS), against=ExactJudge()))

    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_json_of_no_pairs_has_no_figures():
    values = to_json(audit(ExactJudge(), PairFile("a.csv", 0, ())))

    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["agreements"] == []
    assert values["asymmetry"]["consistent"] == {
        "count": 0, "of": 0, "value": None, "low": None, "high": None
    }  # fmt: skip


def test_json_keeps_its_keys_and_their_order():
    values = to_json(audit(ExactJudge(), PairFile("a.csv", 3, ROWS)))

    assert list(values) == [
        "schema", "categories", "pairs", "judges", "agreements", "asymmetry", "stability"
    ]  # fmt: skip
    assert values["schema"] == 1
    assert values["pairs"] == {
        "file": "a.csv", "rows": 3, "asked": 3, "seed": 0, "duplicates": 0, "labelled": 2
    }  # fmt: skip
    assert list(values["judges"][0]) == [
        "name", "fingerprint", "verdicts", "datasets", "sources", "cached", "without_llm",
        "unjudged", "reasons",
    ]  # fmt: skip
    (agreement,) = values["agreements"]
    assert list(agreement) == [
        "reference", "judge", "judged", "unjudged", "confusion", "accuracy", "kappa",
        "kappa_linear", "kappa_quadratic", "wrong_judged_right", "right_judged_wrong",
        "mean_difference", "disagreements",
    ]  # fmt: skip
    assert agreement["disagreements"] == [
        {
            "line": 3, "dataset": "pets", "truth": "Samoyed", "prediction": "dog",
            "reference": "generic", "judged": "wrong", "levels": 2,
        }
    ]  # fmt: skip
    assert values["stability"]["rewordings"][0]["name"] == "a X"


def test_json_lists_every_disagreement():
    rows = tuple(
        LabelledPair(Pair("Samoyed", f"dog {n}"), n, "", Category.GENERIC) for n in range(500)
    )

    (agreement,) = to_json(audit(ExactJudge(), PairFile("a.csv", 500, rows)))["agreements"]

    assert len(agreement["disagreements"]) == 500
