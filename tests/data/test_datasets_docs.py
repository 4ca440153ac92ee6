"""docs/datasets.md: its blocks are configurations, its numbers those that are published."""

import re
from pathlib import Path

import pytest
import yaml
from jsonargparse import ArgumentParser

from speciarl_pl.data import ImageSource
from speciarl_pl.data.datasets.published import PUBLISHED

TEXT = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)


def sources(block):
    """Sources in a block; one that stands for arguments alone is of the pets."""
    content = yaml.safe_load(block)
    if isinstance(content, list):
        return content
    if "init_args" in content:
        return [{"class_path": "OxfordPets", **content}]
    data = content["data"]
    return [data["train"], *data.get("val", [])]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_block_is_a_configuration(block):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--sources", type=list[ImageSource])
    built = parser.instantiate(parser.parse_object({"sources": sources(block)})).sources
    assert all(isinstance(source, ImageSource) for source in built)


def test_the_papers_mix_is_six_times_500():
    [mix] = [block for block in BLOCKS if "MixedImages" in block]
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--source", type=ImageSource)
    built = parser.instantiate(parser.parse_object({"source": sources(mix)[0]})).source
    assert built.shares == [500] * 6
    assert [source.name for source in built.sources] == list(PUBLISHED)


def test_numbers_and_names():
    for published in PUBLISHED.values():
        [line] = [line for line in TEXT.splitlines() if line.startswith(f"| `{published.source}`")]
        assert f"test {published.test:,}" in line
    named = set(re.findall(r"data (?:check|splits) (\w+)(?= )", TEXT))
    assert named <= {*PUBLISHED, "NAME", "PHOTOS"}
