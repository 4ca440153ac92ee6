import csv
from collections import Counter

import pytest

from speciarl_pl.world import HELD_OUT_KINDS, KINDS, TRAIN_KINDS, write_taxonomy
from speciarl_pl.world.drawing import PAINTS
from speciarl_pl.world.naming import COLOURS, taxonomy_rows
from speciarl_pl.world.shapes import SHAPES
from speciarl_pl.world.wording import LOOKS

FAMILIES = [family for kind in KINDS for family in kind.families]


def test_train_and_held_out_kinds_are_disjoint():
    train = {kind.name for kind in TRAIN_KINDS}
    held_out = {kind.name for kind in HELD_OUT_KINDS}
    assert len(train) >= 6
    assert len(held_out) >= 3
    assert not train & held_out


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_easy_and_hard_families(kind):
    assert {family.easy for family in kind.families} == {True, False}


def test_easy_and_hard_families_balance_in_both_sets():
    for kinds in (TRAIN_KINDS, HELD_OUT_KINDS):
        easy = [family.easy for kind in kinds for family in kind.families]
        assert easy.count(True) == easy.count(False)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_variants_are_enough_and_distinct(family):
    assert len(set(family.variants)) >= (6 if family.easy else 24)
    assert len(set(family.variants)) == len(family.variants)


def test_every_family_can_be_drawn_and_described():
    names = {family.name for family in FAMILIES}
    assert set(SHAPES) == names
    assert set(LOOKS) == names
    assert set(PAINTS) == set(COLOURS)


def test_no_name_or_synonym_means_two_things():
    names = Counter(
        name.lower()
        for row in taxonomy_rows()
        for name in (row[0], *filter(None, row[2].split("|")))
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_some_names_of_every_level_have_synonyms():
    rows = list(taxonomy_rows())
    kinds, families = {kind.name for kind in KINDS}, {family.name for family in FAMILIES}
    with_synonyms = {name for name, _, synonyms, _ in rows if synonyms}
    assert with_synonyms & kinds
    assert with_synonyms & families
    assert with_synonyms - kinds - families


def test_parents_come_first_and_only_kinds_and_above_are_generic():
    seen = {""}
    for name, parent, _, generic in taxonomy_rows():
        assert parent in seen
        assert generic == ("yes" if parent in ("", "object") else "")
        seen.add(name)


def test_the_shipped_taxonomy_is_what_the_code_writes(tmp_path, pytestconfig):
    write_taxonomy(tmp_path / "world.csv")
    shipped = pytestconfig.rootpath / "speciarl_pl" / "judge" / "rules" / "taxonomies" / "world.csv"
    assert shipped.read_bytes() == (tmp_path / "world.csv").read_bytes()
    with shipped.open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["name", "parent", "synonyms", "generic"]
