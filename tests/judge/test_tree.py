import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import Taxonomy
from speciarl_pl.judge.rules.tree_file import TaxonomyRow

HEADER = "name,parent,synonyms,generic\n"
HEADER_ALSO = "name,parent,synonyms,generic,also\n"

MALFORMED = {
    "empty file": ("", "line 1: expected the columns name,parent,synonyms,generic,also"),
    "header only": (HEADER, "expected at least one row below the header"),
    "column missing": ("name,synonyms\na,\n", "line 1: expected the columns"),
    "column misspelt": ("name,parent,synonym\na,,\n", "line 1: .* got 'name,parent,synonym'"),
    "column twice": ("name,parent,name\na,,b\n", "line 1: expected the columns"),
    "field missing": (HEADER + "a,,,\nb,a\n", "line 3: expected as many fields"),
    "field too many": (HEADER + "a,,,yes,\n", "line 2: expected as many fields"),
    "no name": (HEADER + "a,,,\n ,a,,\n", "line 3: name: expected some text"),
    "bad flag": (HEADER + "a,,,maybe\n", "line 2: generic: expected yes, no or nothing; got 'ma"),
    "bad role": ("name,parent,role\na,,extra\n", "line 2: role: expected loose, .*; got 'extra'"),
    "unknown parent": (HEADER + "a,,,\nb,c,,\n", "line 3: parent 'c' of 'b' is the name of no row"),
    "parent by synonym": (HEADER + "a,,x,\nb,x,,\n", "line 3: parent 'x' of 'b' is the name of no"),
    "own parent": (HEADER + "a,a,,\n", "line 2: cycle: 'a' lies above itself through 'a'"),
    "cycle": (HEADER + "a,c,,\nb,a,,\nc,b,,\n", "cycle: 'a' lies above itself through 'b'"),
    "cycle above": (HEADER + "x,a,,\na,b,,\nb,a,,\n", "cycle: 'a' lies above itself through 'b'"),
    "name twice": (HEADER + "a,,,\nA,,,\n", "line 3: name 'A' is already taken by 'a' on line 2"),
    "name is a synonym": (HEADER + "a,,b,\nb,,,\n", "line 3: name 'b' is already taken by 'a'"),
    "synonym twice": (HEADER + "a,,x|y,\nb,,y,\n", "line 3: name 'y' is already taken by 'a'"),
    "unknown second parent": (
        HEADER_ALSO + "a,,,,\nb,a,,,a|c\n",
        "line 3: also 'c' of 'b' is the name of no row",
    ),
    "second parent by synonym": (
        HEADER_ALSO + "a,,x,,\nb,,,,x\n",
        "line 3: also 'x' of 'b' is the",
    ),
    "cycle through also": (
        HEADER_ALSO + "a,,,,c\nb,a,,,\nc,b,,,\n",
        "cycle: 'a' lies above itself through 'b'",
    ),
    "quote not closed": (HEADER + 'a,,"b,\n', "expected a CSV file in UTF-8"),
    "not UTF-8": (HEADER.encode() + b"a,,\xff,\n", "expected a CSV file in UTF-8"),
}


def written(tmp_path, content):
    path = tmp_path / "tree.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_files_name_file_and_line(tmp_path, content, message):
    with pytest.raises(JudgeError, match=f"tree.csv.*{message}"):
        Taxonomy.from_csv(written(tmp_path, content))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(JudgeError, match="cannot read the taxonomy"):
        Taxonomy.from_csv(tmp_path)


def test_reads_rows_in_any_order_with_byte_order_mark_blank_lines_and_two_columns(tmp_path):
    taxonomy = Taxonomy.from_csv(written(tmp_path, "\ufeffparent,name\r\nb,c\r\n\r\na,b\r\n,a\r\n"))
    assert [(node.name, node.ancestors) for node in taxonomy.nodes] == [
        ("c", ("b", "a")),
        ("b", ("a",)),
        ("a", ()),
    ]


def test_a_synonym_may_repeat_the_name_of_its_own_row(tmp_path):
    taxonomy = Taxonomy.from_csv(written(tmp_path, HEADER + "Lion,,lion|LION|,\n"))
    assert taxonomy.find("lion").name == "Lion"


def test_a_tolerant_form_shared_by_two_nodes_finds_neither(tmp_path):
    taxonomy = Taxonomy.from_csv(written(tmp_path, HEADER + "re-sort,,,\nresort,,,\n"))
    assert taxonomy.find("Re-Sort").name == "re-sort"
    assert taxonomy.find("resort").name == "resort"
    assert taxonomy.find("re sort") is None


def test_a_plural_that_is_itself_a_node_is_that_node(tmp_path):
    taxonomy = Taxonomy.from_csv(written(tmp_path, HEADER + "plane,,,\nplanes,,,\n"))
    assert taxonomy.find("the planes").name == "planes"
    assert taxonomy.find("a plane").name == "plane"


@pytest.mark.parametrize("text", ["", " ", "???", "-", "a", "the", "s", "\u0308"])
def test_next_to_nothing_finds_nothing(tmp_path, text):
    taxonomy = Taxonomy.from_csv(written(tmp_path, HEADER + "lion,,,\n"))
    assert taxonomy.find(text) is None


DIAMOND = """name,parent,also,generic
car,,,yes
sports car,car,,yes
Audi,car,,
Audi R8,Audi,sports car,
Audi R8 Coupe,Audi R8,,
Audi R8 Coupe 2012,Audi R8 Coupe,Audi R8|sports car,
sedan,car,,yes
"""


@pytest.fixture
def diamond(tmp_path):
    return Taxonomy.from_csv(written(tmp_path, DIAMOND))


def test_several_parents_lie_above_by_the_shortest_way(diamond):
    node = diamond.find("Audi R8 Coupe 2012")
    assert dict(zip(node.ancestors, node.levels, strict=True)) == {
        "Audi R8 Coupe": 1,
        "Audi R8": 1,
        "sports car": 1,
        "Audi": 2,
        "car": 2,
    }
    assert list(node.levels) == sorted(node.levels)
    assert node.levels_up_to("car") == 2
    assert node.levels_up_to("sedan") is None
    assert node.levels_up_to(node.name) is None


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (["Audi", "sports car"], False),
        (["Audi R8", "car"], False),
        (["Audi", "sedan"], True),
        (["car", "Audi", "sedan"], True),
        (["car"], False),
        ([], False),
    ],
    ids=str,
)
def test_nodes_with_nothing_below_all_of_them_are_apart(diamond, names, apart):
    assert diamond.are_apart([diamond.find(name) for name in names]) is apart


@st.composite
def acyclic_rows(draw):
    """Rows whose parents are all earlier rows."""
    rows = []
    for line in range(draw(st.integers(1, 12))):
        above = draw(st.lists(st.integers(0, line - 1), max_size=3)) if line else []
        names = [f"n{place}" for place in above]
        rows.append(TaxonomyRow(line, f"n{line}", "".join(names[:1]), (), False, tuple(names[1:])))
    return draw(st.permutations(rows))


@given(acyclic_rows())
def test_levels_are_those_of_a_slow_walk(rows):
    parents = {row.name: [*filter(None, [row.parent]), *row.also] for row in rows}
    for node in Taxonomy(rows, "rows").nodes:
        expected, edge, level = {}, [node.name], 0
        while edge:
            level += 1
            edge = [above for name in edge for above in parents[name]]
            for name in edge:
                expected.setdefault(name, level)
        assert dict(zip(node.ancestors, node.levels, strict=True)) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Audi R8 car", "Audi R8"),
        ("an Audi R8 sports car.", "Audi R8"),
        ("Audi car", "Audi"),
        ("Audi sedan", None),
        ("car car", None),
        ("sports Audi R8", None),
        ("R8 car", None),
    ],
)
def test_a_name_may_be_followed_by_what_is_above_it(diamond, text, name):
    found = diamond.find(text)
    assert (found and found.name) == name
