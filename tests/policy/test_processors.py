"""What keeps a processor from being had, and where its parts are found."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest
from families import NEED_TORCHVISION, save

from speciarl_pl.errors import ModelError
from speciarl_pl.policy import load_policy
from speciarl_pl.policy.base_model import vlm_config
from speciarl_pl.policy.prompts.processors import check_shown, image_backend, load_encoder
from speciarl_pl.system import torchvision_repair

from . import tiny

WITHOUT_TORCHVISION = """
import importlib.metadata, importlib.util, sys, warnings
warnings.simplefilter("ignore")
find_spec, from_name = importlib.util.find_spec, importlib.metadata.Distribution.from_name

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torchvision":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def named(name):
    if name == "torchvision":
        raise importlib.metadata.PackageNotFoundError(name)
    return from_name(name)

sys.meta_path.insert(0, Absent())
importlib.util.find_spec = lambda name, package=None: (
    None if name.partition(".")[0] == "torchvision" else find_spec(name, package)
)
importlib.metadata.Distribution.from_name = named

from speciarl_pl.errors import ModelError
from speciarl_pl.policy.base_model import quiet, vlm_config
from speciarl_pl.policy.prompts.processors import load_encoder

for path in sys.argv[1:]:
    try:
        with quiet():
            load_encoder(path, vlm_config(path))
        print("loaded")
    except ModelError as error:
        print(error)
"""


DOUBTFUL = (*NEED_TORCHVISION, "qwen2_vl", "qwen3_vl_moe", "qwen3_5", "glm4v", "gemma3")
"""Families whose own processor asks for it, and one whose does not."""


@pytest.mark.slow
def test_without_torchvision_four_families_say_what_to_install_and_others_load(tmp_path):
    paths = [str(save(tmp_path / name, name, weights=False)) for name in DOUBTFUL]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCHVISION, *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    said = dict(zip(DOUBTFUL, done.stdout.splitlines(), strict=True))
    assert {name for name, line in said.items() if line != "loaded"} == set(NEED_TORCHVISION)
    for name in NEED_TORCHVISION:
        assert said[name].startswith(f"{tmp_path / name}: the processor of {name} models needs")
        assert "run: pip install torchvision" in said[name]


def test_the_families_that_doctor_names_are_those_that_need_torchvision():
    assert set(torchvision_repair.NEED_TORCHVISION) == set(NEED_TORCHVISION)


@pytest.mark.skipif(find_spec("num2words") is not None, reason="the package is there")
@pytest.mark.skipif(image_backend() == "pil", reason="torchvision is missing before it")
def test_smolvlm_names_the_package_that_its_processor_misses(tmp_path):
    folder = save(tmp_path, "smolvlm", weights=False)
    with pytest.raises(ModelError, match=r"of smolvlm cannot be loaded: .*pip install num2words"):
        load_policy(str(folder))


def test_a_family_without_turns_is_refused_by_name_before_its_weights_are_read(tmp_path):
    folder = save(tmp_path, "gemma3", weights=False)
    (folder / "chat_template.json").unlink()
    with pytest.raises(ModelError, match=r"of gemma3 .*nor tokenizer has a chat template"):
        load_policy(str(folder))


def test_a_processor_that_makes_no_prompt_is_refused_before_its_weights_are_read(tmp_path):
    """Its template names a token that it does not turn into an image."""
    folder = save(tmp_path, "idefics3", weights=False)
    template = json.loads((folder / "chat_template.json").read_text())["chat_template"]
    bare = {"chat_template": template.replace("<image>", "<picture>")}
    (folder / "chat_template.json").write_text(json.dumps(bare))
    with pytest.raises(ModelError, match=r"processor of idefics3 makes no prompt .* ValueError: "):
        load_policy(str(folder))


def test_a_family_that_cannot_be_had_is_refused_by_its_name(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "florence2"}))
    with pytest.raises(ModelError, match="florence2"):
        load_policy(str(tmp_path))


@pytest.mark.parametrize("family", ["qwen2_vl", "mllama"])
def test_the_template_may_be_the_tokenizers(tmp_path, family):
    """Real repositories keep it in one file or the other."""
    folder = save(tmp_path, family)
    kept = json.loads((folder / "chat_template.json").read_text())
    expected = load_policy(str(folder)).encode(tiny.sample()).input_ids.tolist()
    (folder / "chat_template.json").unlink()
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, **kept}))
    assert load_policy(str(folder)).encode(tiny.sample()).input_ids.tolist() == expected


def test_a_model_that_would_not_be_shown_the_image_is_refused_before_its_weights(tmp_path):
    """Its forward pass takes the image under a name that the processor does not use."""
    folder = str(save(tmp_path, "gemma3", weights=False))
    config = vlm_config(folder)
    encoder = load_encoder(folder, config)

    class Blind(type(encoder)):
        def __call__(self, sample):
            prompt = super().__call__(sample)
            return replace(prompt, vision={"tiles": prompt.vision["pixel_values"]})

    encoder.__class__ = Blind
    with pytest.raises(ModelError, match=r"Gemma3ForConditionalGeneration takes no tiles"):
        check_shown(folder, config, encoder)


def test_image_backend_is_one_that_works():
    assert image_backend() in ("pil", "torchvision")


@pytest.mark.slow
def test_experts_that_stay_wide_are_said(tmp_path):
    pytest.importorskip("bitsandbytes")
    folder = save(tmp_path, "qwen3_vl_moe")
    with pytest.warns(UserWarning, match=r"nf4 leaves the experts .* GiB of torch.float32"):
        load_policy(str(folder), quantization="nf4")
