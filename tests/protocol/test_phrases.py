import pytest
from protocol.real_models import PIPELINE, needs_pipeline

from speciarl_pl.errors import MissingExtraError
from speciarl_pl.older_protocol import phrases as module
from speciarl_pl.older_protocol.phrases import NounPhrases

FOUND = {
    "a small brown bird on a branch": ("a small brown bird", "a branch"),
    "Probably a Samoyed.": ("Probably a Samoyed",),
    "F/A-18": ("F/A-18",),
    "is blue": ("is blue",),  # no noun phrase: the whole text
    "": ("",),
    "?": ("?",),
}


@needs_pipeline
@pytest.mark.slow
def test_the_real_pipeline_finds_noun_phrases():
    pipeline = NounPhrases(PIPELINE)
    assert dict(zip(FOUND, pipeline.find(list(FOUND)), strict=True)) == FOUND
    assert pipeline.find([]) == []


@needs_pipeline
@pytest.mark.slow
def test_leaving_parts_of_the_pipeline_out_changes_nothing():
    import spacy

    whole = spacy.load(PIPELINE)
    texts = [*FOUND, "This is the Audi A4 of my sister, parked in front of an old house."]
    expected = [tuple(chunk.text for chunk in whole(text).noun_chunks) or (text,) for text in texts]
    assert NounPhrases(PIPELINE).find(texts) == expected


@needs_pipeline
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["no such name", "empty folder", "no parser", "other language"])
def test_a_pipeline_that_is_none(kind, tmp_path):
    import spacy

    spacy.blank("en").to_disk(tmp_path / "blank")
    spacy.blank("xx").to_disk(tmp_path / "other")
    (tmp_path / "empty").mkdir()
    pipeline = {
        "no such name": "en_core_web_none",
        "empty folder": str(tmp_path / "empty"),
        "no parser": str(tmp_path / "blank"),
        "other language": str(tmp_path / "other"),
    }[kind]
    with pytest.raises(ValueError, match=r"^phrases: expected a spaCy pipeline .* run: python -m"):
        NounPhrases(pipeline).load()


def test_the_package_is_named_if_it_is_absent(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"spaCy .* 'speciarl_pl\[similarity\]'"):
        NounPhrases().load()


def test_a_blank_name():
    with pytest.raises(ValueError, match="phrases: expected the name of a pipeline, got ''"):
        NounPhrases("")
