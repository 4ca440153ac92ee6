import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.data.labels.label_checks import doubts_about, names_nothing
from speciarl_pl.data.labels.label_map import read_label_map
from speciarl_pl.data.labels.label_styles import STYLES, Labeller
from speciarl_pl.errors import DataError

LUMBRICUS = "00001_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_Lumbricus_terrestris"
PTERIS = "09876_Plantae_Tracheophyta_Polypodiopsida_Polypodiales_Pteridaceae_Pteris_cretica_albo"


@pytest.mark.parametrize(
    ("style", "written", "label"),
    [
        ("wordnet", "n02085620-Chihuahua", "Chihuahua"),
        ("wordnet", "n02098105-soft-coated_wheaten_terrier", "soft-coated wheaten terrier"),
        ("wordnet", "n02085936_Maltese_dog", "Maltese dog"),
        ("wordnet", "toy_poodle", "toy poodle"),
        ("inaturalist", LUMBRICUS, "Lumbricus terrestris"),
        ("inaturalist", PTERIS, "Pteris cretica albo"),
        ("inaturalist", LUMBRICUS.replace("_", " "), "Lumbricus terrestris"),
        ("inaturalist", "Abies concolor", "Abies concolor"),
        ("numbered", "001.Black_footed_Albatross", "Black footed Albatross"),
        ("numbered", "737-200", "737-200"),
        ("indexed", "0_apple__pie", "apple pie"),
        ("indexed", "12-rose", "rose"),
        ("indexed", "16.4", "16.4"),
        ("plain", "so__called", "so called"),
        ("plain", "\u200btiger_\u00a0lily", "tiger lily"),
        ("raw", "so__called", "so__called"),
        ("raw", "Citro&euml;n \u00a0DS", "Citroën DS"),
    ],
)
def test_each_style(style, written, label):
    assert Labeller(style, "raw").names([written]) == [label]


@pytest.mark.parametrize(
    ("style", "written", "message"),
    [
        ("wordnet", "n01440764", r"'n01440764' for label_style wordnet: an id alone.*label_map"),
        ("inaturalist", "5023", r"a number alone; name the numbers with `label_map"),
        ("inaturalist", "00001_Animalia_Annelida", r"no lineage such as 00001_Animalia"),
        ("plain", "__", r"'__' gives an empty label; rename it"),
    ],
)
def test_what_a_style_cannot_read_is_named(style, written, message):
    with pytest.raises(DataError, match=message):
        Labeller(style, "raw").names([written])


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"label_style: expected one of raw, .*got 'odd'"):
        Labeller("odd", "raw")
    with pytest.raises(ValueError, match=r"label_map: expected a file of id,name"):
        Labeller("id", "raw")


@given(st.text())
def test_styles_never_fail_but_with_a_reason(text):
    for style in STYLES.values():
        with suppress(ValueError):
            label = style(text)
            assert label == " ".join(label.split())


# -------------------------------------------------------------------- mappings

MAPS = {
    "CSV": ("m.csv", "id,name\n102,Samoyed\n3,Maine Coon\n"),
    "columns in another order": ("m.csv", "name,id\nSamoyed,102\nMaine Coon,003\n"),
    "CSV without a header": ("m.csv", "102,Samoyed\n3,Maine Coon\n"),
    "TSV with its own names": ("m.tsv", "class\tlabel\n102\tSamoyed\n3\tMaine\u00a0Coon\n"),
    "JSON": ("m.json", '{"102": "Samoyed", "3": "Maine Coon"}'),
    "JSON of numbers": ("m.json", '{"Samoyed": 102, "Maine Coon": 3}'),
    "JSON list": ("m.json", json.dumps([*"abc", "Maine Coon", *map(str, range(98)), "Samoyed"])),
    "ImageNet's index": ("m.json", '{"102": ["n02111889", "Samoyed"], "3": ["n1", "Maine Coon"]}'),
    "COCO": (
        "m.json",
        '{"categories": [{"id": 102, "name": "Samoyed"}, {"id": 3, "name": "Maine Coon"}]}',
    ),
    "JSON lines": ("m.jsonl", '{"id": 102, "name": "Samoyed"}\n{"id": 3, "name": "Maine Coon"}\n'),
    "text": ("m.txt", "102 Samoyed\n3 Maine Coon\n"),
}


@pytest.mark.parametrize(("name", "content"), MAPS.values(), ids=MAPS)
def test_mappings(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    labeller = Labeller(None, "plain", str(tmp_path / name))
    assert labeller.meant
    assert labeller.names(["102", "0003", "102"]) == ["Samoyed", "Maine Coon", "Samoyed"]


def test_a_mapping_takes_the_id_before_a_name(tmp_path):
    (tmp_path / "m.csv").write_text("id,name\nn02111889,Samoyed\n7,rose\n")
    labeller = Labeller(None, "plain", str(tmp_path / "m.csv"))
    assert labeller.names(["n02111889-sammy", "007.Rosa"]) == ["Samoyed", "rose"]
    with pytest.raises(DataError, match=r"labels: 2 ids are not in .*m\.csv: \['8', 'cat'\]"):
        labeller.names(["7", "8", "cat"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", "id,name\n1,\n", r"id '1' has the name ''"),
        ("m.csv", "id,name\n1,cat\n01,dog\n", r"id '01' has two names, 'cat' and 'dog'"),
        ("m.csv", "a,b,c\n1,2,3\n", r"the columns there are \['a', 'b', 'c'\]; expected id and na"),
        ("m.json", "{", r"no JSON"),
        ("m.json", '{"1": 2.5}', r"id '1' is 2\.5; expected ids and names"),
        ("m.json", "[[1]]", r"entry 0 is \[1\]"),
        ("m.json", "{}", r"holds no id"),
        ("m.txt", "apple\n", r"line 1 is 'apple'; expected an id and a name"),
        ("m.xlsx", "x", r"unknown kind of table"),
    ],
)
def test_a_bad_mapping_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_label_map(tmp_path / name)


# ---------------------------------------------------------------------- doubts


@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        (["n02085620-Chihuahua", "n02085936-Maltese_dog"], "label_style: wordnet"),
        (["n01440764", "n01443537"], "label_map: FILE"),
        ([LUMBRICUS, PTERIS], "label_style: inaturalist"),
        ([LUMBRICUS.replace("_", " ")], "label_style: inaturalist"),
        (["Animalia/Chordata/Aves/Anas", "Animalia/Chordata/Aves/Anser"], "lineages"),
        (["001.Black footed Albatross", "002.Laysan Albatross"], "label_style: numbered"),
        (["0 apple", "1 pear"], "label_style: indexed"),
        (["102", "7"], "label_map: FILE"),
        (["class_1", "class_2", "rose"], "label_map: FILE"),
        (["c0", "c1"], "label_map: FILE"),
        (["9f86d081884c7d65", "60303ae22b998861"], "label_map: FILE"),
        (["tiger_lily", "moon_orchid"], "label_style: plain"),
    ],
)
def test_labels_that_look_like_ids(labels, advice):
    (doubt,) = doubts_about(labels, meant=False)
    assert advice in doubt
    assert repr(labels[0])[:40] in doubt
    assert doubts_about(labels, meant=True) == []


@pytest.mark.parametrize(
    "labels",
    [
        ["707-320", "737-200", "F/A-18", "A320", "DC-10"],
        ["2012 Ram Van", "2012 Audi A5", "2009 Bugatti Veyron"],
        ["Samoyed", "Maine Coon", "102"],
        ["hard-leaved pocket orchid", "colt's foot", "16.4"],
        ["decade", "facade"],
        ["Citroën", "Ёлка", "羊"],
    ],
)
def test_names_are_no_cause_for_doubt(labels):
    assert doubts_about(labels, meant=False) == []


def test_a_wrong_encoding_is_doubted_in_any_case():
    (doubt,) = doubts_about(["CitroÃ«n", "Audi"], meant=True)
    assert "1 labels look as if read in a wrong encoding ('CitroÃ«n')" in doubt


@pytest.mark.parametrize(
    "text", ["None", "none", "n/a", "NaN", "unknown", "I don't know", "?", "…"]
)
def test_truths_that_name_nothing(text):
    assert names_nothing(text)
