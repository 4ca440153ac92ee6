import csv

import pytest

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.rules.taxonomy import taxonomy_path
from speciarl_pl.judge.rules.tree import Taxonomy
from speciarl_pl.older_protocol.hierarchy import AncestorSets

TREE = """name,parent,synonyms,generic,also
thing,,object,yes,
animal,thing,,yes,
dog,animal,canine,yes,
Samoyed,dog,sammy,,
vehicle,thing,,yes,
car,vehicle,,yes,
sedan,car,saloon,yes,
Audi,car,,,
Audi A4,Audi,,,sedan
Audi A4 2012,Audi A4,,,
"""


@pytest.fixture
def sets(tmp_path):
    path = tmp_path / "tree.csv"
    path.write_text(TREE)
    return AncestorSets(str(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Samoyed", {"Samoyed", "dog", "animal"}),
        ("a SAMMY.", {"Samoyed", "dog", "animal"}),
        ("dogs", {"dog", "animal"}),
        ("Samoyed dog", {"Samoyed", "dog", "animal"}),
        ("object", set()),
        ("Audi A4", {"Audi A4", "Audi", "sedan", "car", "vehicle"}),
        ("Audi saloon", {"Audi", "sedan", "car", "vehicle"}),
        ("2012 Audi A4", {"Audi A4 2012", "Audi A4", "Audi", "sedan", "car", "vehicle"}),
        ("Audi A4 (2009)", {"Audi A4", "Audi", "sedan", "car", "vehicle"}),
        ("2009 Samoyed", {"Samoyed", "dog", "animal"}),
        ("cat", None),
        ("Samoyed or Audi", None),
        ("None", None),
        ("", None),
        ("2012", None),
    ],
)
def test_sets(sets, text, expected):
    assert sets.of(text) == expected


def test_a_tree_without_one_root_keeps_its_roots(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("name,parent\ncat,\ndog,\nSamoyed,dog\n")
    sets = AncestorSets(str(path))
    assert (sets.of("cat"), sets.of("Samoyed")) == ({"cat"}, {"Samoyed", "dog"})


def climbed(rows, name):
    """Names above and including `name`, by climbing row by row."""
    found = {name}
    for parent in rows[name]:
        found |= climbed(rows, parent)
    return found


@pytest.mark.parametrize("taxonomy", ["oxford_pets", "stanford_cars", "world"])
def test_packaged_trees_equal_climbing(taxonomy):
    with taxonomy_path(taxonomy).open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    above = {row["name"]: [row["parent"], *(row.get("also") or "").split("|")] for row in table}
    rows = {name: list(filter(None, parents)) for name, parents in above.items()}
    root = {"object"} if taxonomy == "world" else set()
    sets = AncestorSets(taxonomy)
    for node in Taxonomy.from_csv(taxonomy_path(taxonomy)).nodes[::17]:
        assert sets.of(node.name) == climbed(rows, node.name) - root


def test_unknown_taxonomy():
    with pytest.raises(JudgeError, match=r"taxonomy: expected one of cub, .* got 'birds'"):
        AncestorSets("birds")
