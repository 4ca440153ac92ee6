"""The promise of the quickstart, with fewer images to validate on."""

import json
from pathlib import Path

import pytest
import yaml

from speciarl_pl.commands.cli import main

CONFIG = Path(__file__).parents[1] / "configs" / "quickstart.yaml"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of base and trained model, by data set."""
    config = yaml.safe_load(CONFIG.read_text())
    config["trainer"]["enable_progress_bar"] = False
    for source in config["data"]["val"]:
        source["init_args"]["n"] = 150
    folder = tmp_path_factory.mktemp("quickstart")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    run_dir = folder / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["speciarl_pl"])
        code = main(["fit", "--config", str(folder / "config.yaml"), "--run_dir", str(run_dir)])
    assert code == 0
    names = ("results.base.json", "results.json")
    return [json.loads((run_dir / name).read_text())["datasets"] for name in names]


@pytest.mark.slow(seconds=200)
@pytest.mark.parametrize(
    ("name", "rise", "fall"), [("trained kinds", 0.3, 0.0), ("held-out kinds", 0.1, 0.03)]
)
def test_the_base_becomes_specific_without_becoming_wrong(results, name, rise, fall):
    base, trained = (stage[name] for stage in results)
    assert trained["specificity"] >= base["specificity"] + rise
    assert trained["correctness"] >= base["correctness"] - fall
    assert trained["hm"] > base["hm"]
