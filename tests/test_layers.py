"""Imports go down only (ARCHITECTURE.md, "Layers")."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import speciarl_pl

ROOT = Path(speciarl_pl.__file__).parent
LAYERS = (
    {
        "category",
        "answer",
        "text",
        "records",
        "sampling",
        "errors",
        "contracts",
        "hub_ids",
        "nearest",
        "shipped_configs",
        "class_paths",
        "system",
    },
    {"reward", "grpo", "metrics"},
    {"judge", "data", "policy", "world", "engine"},
    {"run", "step", "older_protocol", "report", "module"},
    {"callbacks"},
    {"commands", "__main__"},
)
LAYER = {name: depth for depth, names in enumerate(LAYERS) for name in names}
OUTSIDE = {"judge", "data", "policy", "world", "engine"}
ALLOWED_OUTSIDE = {("data", "judge"), ("data", "world"), ("engine", "policy")}
HEAVY = {"bitsandbytes", "vllm", "torchvision", "sentence_transformers", "spacy"}
FILES = sorted(
    path
    for folder in (ROOT, ROOT / "callbacks")  # a symlink, which rglob does not follow
    for path in folder.rglob("*.py")
    if path != ROOT / "__init__.py"
)


def part(path):
    """Top-level part of the package that a file belongs to."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported(tree):
    """Full names of all that is imported anywhere in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_parts(tree):
    for name in imported(tree):
        top, _, rest = name.partition(".")
        if top == "speciarl_pl" and rest != "__version__":
            yield rest.partition(".")[0]


@pytest.fixture(params=FILES, ids=lambda path: str(path.relative_to(ROOT)))
def file(request):
    return request.param


def test_every_part_has_one_layer():
    assert {part(path) for path in FILES} == LAYER.keys()
    assert len(LAYER) == sum(map(len, LAYERS)), "a part is in two layers"


MODULES = [path for path in FILES if path.name != "__init__.py"]


def test_no_room_is_crowded():
    count = Counter(path.parent.relative_to(ROOT) for path in MODULES)
    assert {str(room): files for room, files in count.items() if files > 15} == {}


def test_no_file_is_a_scrap():
    assert [path for path in MODULES if len(path.read_text().splitlines()) < 25] == []


def test_names_of_files_say_which_is_which():
    rooms = defaultdict(list)
    for path in MODULES:
        rooms[path.name].append(str(path.parent.relative_to(ROOT)))
    twice = {name: where for name, where in rooms.items() if len(where) > 1}
    assert len(twice) <= 8
    assert all(len(where) == 2 for where in twice.values()), twice


def test_imports_go_down_only(file):
    own = part(file)
    for other in own_parts(ast.parse(file.read_text())):
        assert LAYER[other] <= LAYER[own], f"{own} imports {other}, which is above it"
        if own in OUTSIDE and other in OUTSIDE and own != other:
            assert (own, other) in ALLOWED_OUTSIDE, f"{own} imports {other} beside it"


def test_the_callbacks_are_imported_by_their_full_name(file):
    tops = {name.partition(".")[0] for name in imported(ast.parse(file.read_text()))}
    assert "callbacks" not in tops


def test_heavy_optional_packages_are_imported_where_used(file):
    module_level = [
        node
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom | ast.If | ast.Try)
    ]
    tree = ast.Module(body=module_level, type_ignores=[])
    assert not HEAVY & {name.partition(".")[0] for name in imported(tree)}
