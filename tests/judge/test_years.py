import pytest

from speciarl_pl.category import Category
from speciarl_pl.judge import TaxonomyJudge
from speciarl_pl.judge.rules.names import split_year
from speciarl_pl.records import Pair, Unjudged

TREE = """name,parent,synonyms,generic
car,,,yes
Audi,car,,yes
Audi R8,Audi,R8,
Audi R8 Coupe 2012,Audi R8,,
Audi A4,Audi,,
"""

SPLITS = {
    "2012 Audi R8": ("Audi R8", 2012),
    "Audi R8 2012": ("Audi R8", 2012),
    "Audi R8 (2012).": ("Audi R8", 2012),
    "Audi R8, 2012": ("Audi R8", 2012),
    "1993 Volvo 240": ("Volvo 240", 1993),
    "Audi R8": None,
    "2012": None,
    "Audi 2012 R8": None,
    "Audi R8 2007-2015": None,
    "Audi R8 07-2015": None,
    "2010s Audi R8": None,
    "12012 Audi": None,
    "2012 Saab 2000": None,
    "": None,
}

VERDICTS = {
    "2012 Audi R8": Category.LESS_SPECIFIC,
    "Audi R8 Coupe (2012)": Category.SPECIFIC,
    "2012 Audi": Category.GENERIC,
    "a car, 2012": Category.GENERIC,
    "2010 Audi R8": Category.WRONG,
    "Audi R8 Coupe 2010": None,
    "2012 Audi A4": Category.WRONG,
    "2010 Audi": Category.WRONG,
    "2012 Lada": None,
    "2010 Lada": None,
}


@pytest.mark.parametrize(("text", "parts"), SPLITS.items(), ids=repr)
def test_splits_off_the_only_year(text, parts):
    assert split_year(text) == parts


@pytest.mark.parametrize(("prediction", "category"), VERDICTS.items(), ids=str)
def test_the_year_of_the_truth_decides(tmp_path, prediction, category):
    path = tmp_path / "cars.csv"
    path.write_text(TREE)
    judge = TaxonomyJudge(str(path), unknown="unjudged")
    [judgement] = judge.judge([Pair("Audi R8 Coupe 2012", prediction)])
    if category is None:
        assert isinstance(judgement, Unjudged)
    else:
        assert judgement.category == category


def test_a_truth_without_year_knows_no_wrong_year(tmp_path):
    path = tmp_path / "cars.csv"
    path.write_text(TREE)
    [judgement] = TaxonomyJudge(str(path), unknown="unjudged").judge([Pair("R8", "2010 Audi R8")])
    assert isinstance(judgement, Unjudged)
