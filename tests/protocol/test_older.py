import json
import random
import time
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from jsonargparse import ArgumentParser
from judge.fake_llm import fake_llm
from protocol.real_models import PIPELINE, encoder_folder, needs_encoder, needs_pipeline
from protocol.test_llm_inclusion import by_letters

from speciarl_pl.category import Category
from speciarl_pl.errors import MissingExtraError
from speciarl_pl.judge import CachedJudge, ExactJudge, JudgeUnavailableError, LLMJudge
from speciarl_pl.older_protocol import OlderProtocol, Prediction, distinct_pairs
from speciarl_pl.older_protocol.phrases import NounPhrases
from speciarl_pl.older_protocol.protocol import is_included

PREDICTIONS = [
    Prediction("Samoyed", "a Samoyed", Category.SPECIFIC, "exact:same", "1"),
    Prediction("Samoyed", "a white dog", "generic", "taxonomy:ancestor", "2"),
    Prediction("pug", "pug", Category.SPECIFIC, "llm:single@1:m", "3"),
    Prediction("pug", "is it a bird?", None, "llm: timeout", "4"),
    Prediction("pug", None, "unparsed", "no answer", "5"),
    Prediction("", "a dog", None, "no truth to compare with", "6"),
]


def scored(predictions, **options):
    return OlderProtocol(**options).scores(distinct_pairs(predictions))


def test_what_it_gives_by_default():
    scores = scored(PREDICTIONS)
    assert list(scores) == ["textual_inclusion"]
    assert scores["textual_inclusion"]["value"] == pytest.approx(2 / 5)
    assert scores["textual_inclusion"]["n"] == 5
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_what_is_off_is_absent():
    assert scored(PREDICTIONS, textual_inclusion=False) == {}


def test_nothing_predicted():
    scores = scored([], llm_inclusion=ExactJudge())
    assert scores["llm_inclusion"] == {"value": None, "ci95": None, "n": 0, "left_out": 0}


def test_the_order_makes_no_difference():
    names = ["Samoyed", "pug", "Siamese", "dog", "a cat", "thing"]
    draw = random.Random(0)
    drawn = [
        Prediction(draw.choice(names[:3]), draw.choice(names), sample_id=str(number // 7))
        for number in range(500)
    ]
    expected = json.dumps(scored(drawn, llm_inclusion=ExactJudge()))
    draw.shuffle(drawn)
    assert json.dumps(scored(drawn, llm_inclusion=ExactJudge())) == expected


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        ("Samoyed", "A SAMOYED dog", True),
        ("samoyed dog", "samoyed", False),
        ("dog", "hotdog", True),
        ("F/A-18", "FA 18", False),
        ("C\u00e9leri", "c\u00c9leri remoulade", True),
        ("dog", "", False),
        ("dog", None, False),
    ],
)
def test_is_included(truth, prediction, expected):
    assert is_included(truth, prediction) is expected


def test_llm_inclusion(fresh_probes, tmp_path):
    with fake_llm(by_letters) as server:
        judge = LLMJudge(server.url, "m", prompt="inclusion")
        protocol = OlderProtocol(
            llm_inclusion=CachedJudge(judge, str(tmp_path / "verdicts.sqlite"))
        )
        protocol.check()
        for _ in range(2):  # one data set after the other
            scores = protocol.scores(distinct_pairs(PREDICTIONS * 3))["llm_inclusion"]
            assert scores["value"] == pytest.approx(2 / 5)
            assert (scores["n"], scores["left_out"]) == (15, 0)
        assert len(server.users()) == 4


def test_a_judge_that_is_not_there_is_told_before_the_run(fresh_probes):
    judge = LLMJudge("http://127.0.0.1:9/v1", "m", prompt="inclusion", retries=0, timeout_s=2)
    protocol = OlderProtocol(llm_inclusion=judge)
    with pytest.raises(JudgeUnavailableError, match=r"^llm: http://127\.0\.0\.1:9/v1"):
        protocol.check()
    scores = protocol.scores(distinct_pairs(PREDICTIONS))["llm_inclusion"]
    assert (scores["n"], scores["left_out"], scores["value"]) == (1, 4, 0.0)


def test_check_needs_nothing_that_is_off(monkeypatch):
    monkeypatch.setattr("speciarl_pl.older_protocol.similarities.find_spec", lambda name: None)
    monkeypatch.setattr("speciarl_pl.older_protocol.phrases.find_spec", lambda name: None)
    OlderProtocol().check()
    for switch in ("semantic_similarity", "concept_similarity"):
        with pytest.raises(MissingExtraError, match="sentence-transformers"):
            OlderProtocol(**{switch: True}).check()


@pytest.mark.parametrize("name", ["encoder", "phrases"])
def test_blank_names(name):
    with pytest.raises(ValueError, match=f"^{name}: expected the name"):
        OlderProtocol(**{name: " "})


def test_comes_from_a_config():
    parser = ArgumentParser()
    parser.add_class_arguments(OlderProtocol, "protocol")
    judge = {
        "class_path": "speciarl_pl.judge.LLMJudge",
        "init_args": {"base_url": "http://127.0.0.1:1/v1", "model": "m", "prompt": "inclusion"},
    }
    config = parser.parse_object({"protocol": {"hierarchical": False, "llm_inclusion": judge}})
    protocol = parser.instantiate(config).protocol
    assert isinstance(protocol, OlderProtocol)
    assert protocol.llm_inclusion.source == "llm:inclusion@1:m"
    assert parser.instantiate(parser.parse_object({})).protocol.textual_inclusion


@needs_encoder
@needs_pipeline
@pytest.mark.slow
def test_all_metrics_with_the_real_models(embedder):
    protocol = OlderProtocol(
        semantic_similarity=True,
        concept_similarity=True,
        encoder=encoder_folder(),
        phrases=PIPELINE,
    )
    protocol.check()
    scores = protocol.scores(distinct_pairs([*PREDICTIONS, PREDICTIONS[1]]))
    turned = distinct_pairs([PREDICTIONS[1], *reversed(PREDICTIONS)])
    assert scores == protocol.scores(turned)
    pairs = [(one.truth, one.answer) for one in [*PREDICTIONS[:4], PREDICTIONS[1]]]
    for name, find in (
        ("semantic_similarity", lambda texts: [(text,) for text in texts]),
        ("concept_similarity", NounPhrases(PIPELINE).find),
    ):
        values = [0.0]  # the unparsed one
        for truth, answer in pairs:
            own, *others = embedder.encode([truth, *find([answer])[0]]).double().numpy()
            values.append(max(own @ o / (np.linalg.norm(own) * np.linalg.norm(o)) for o in others))
        assert scores[name]["value"] == pytest.approx(np.mean(values), abs=1e-5)
        assert (scores[name]["n"], scores[name]["left_out"]) == (6, 0)
        low, high = scores[name]["ci95"]
        assert low < scores[name]["value"] < high


class Lazy(list):
    """Predictions made when looked at, so that only the protocol's own memory is measured."""

    def __init__(self, images, samples):
        self.images, self.samples = images, samples

    def __iter__(self):
        for image in range(self.images):
            for sample in range(self.samples):
                answer = f"name {(image * 31 + sample * sample) % 3000}"
                yield Prediction(f"name {image % 100}", answer, sample_id=str(image))


@pytest.mark.slow
def test_many_samples_of_many_images_in_bounded_memory():
    """A sixtieth of 30,000 x 64 with as many distinct pairs an image."""
    tracemalloc.start()
    start = time.perf_counter()
    scores = scored(Lazy(500, 64))
    seconds = time.perf_counter() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scores["textual_inclusion"]["n"] == 32_000
    assert peak < 40e6
    assert seconds < 60


def test_value_equals_a_plain_count():
    predictions = list(Lazy(40, 5))
    found = scored(predictions)["textual_inclusion"]["value"]
    counts = Counter(one.truth.lower() in one.answer.lower() for one in predictions)
    assert found == pytest.approx(counts[True] / 200)
