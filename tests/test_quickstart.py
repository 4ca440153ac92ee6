"""The promise of the quickstart, on a third of its steps."""

import json

import pytest

from speciarl_pl.cli import main


@pytest.mark.slow
def test_the_base_becomes_specific_without_becoming_wrong(tmp_path, monkeypatch, capsys):
    args = ["fit", "--config", "configs/quickstart.yaml", "--run_dir", str(tmp_path)]
    args += ["--data.train.init_args.n", "384", "--trainer.enable_progress_bar", "false"]
    monkeypatch.setattr("sys.argv", ["speciarl_pl"])
    assert main(args) == 0

    base = json.loads((tmp_path / "results.base.json").read_text())["datasets"]
    trained = json.loads((tmp_path / "results.json").read_text())["datasets"]
    assert set(base) == {"trained kinds", "held-out kinds"}
    for name in base:
        assert base[name]["counts"]["generic"] >= base[name]["n"] / 2
        assert trained[name]["specificity"] >= base[name]["specificity"] + 0.1
        assert trained[name]["correctness"] >= base[name]["correctness"] - 0.03
        assert trained[name]["hm"] > base[name]["hm"]
    assert "base | trained" in capsys.readouterr().out
