"""The promise of the quickstart, kept by vLLM: in process, and by servers, one of them killed."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
import yaml
from vllm_tools import Server, needs_vllm

CONFIG = Path(__file__).parents[1] / "configs" / "quickstart_vllm.yaml"
IMAGES = 100

pytestmark = [pytest.mark.slow(seconds=130), needs_vllm]


def start(folder, steps, rollout=None):
    """The quickstart, with fewer images to validate on; as a process of its own."""
    config = yaml.safe_load(CONFIG.read_text())
    config["data"]["train"]["init_args"]["n"] = 16 * steps
    config["trainer"]["enable_progress_bar"] = False
    for source in config["data"]["val"]:
        source["init_args"]["n"] = IMAGES
    if rollout is not None:
        config["rollout"]["class_path"] = "VLLMServerRolloutCallback"
        del config["rollout"]["init_args"]["kv_cache_bytes"]
        config["rollout"]["init_args"].update(rollout)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "speciarl_pl", "fit"]
    command += ["--config", str(folder / "config.yaml"), "--run_dir", str(folder / "run")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(process, folder):
    """Directory of the run, after it has ended well; and what it printed."""
    printed, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, printed[-3000:]
    return folder / "run", printed


def assert_it_became_specific(run):
    """The bounds of the Hugging Face engine's own test, as wide as 100 images ask for."""
    names = ("results.base.json", "results.json")
    stages = [json.loads((run / name).read_text())["datasets"] for name in names]
    for name, rise, fall in (("trained kinds", 0.3, 0.0), ("held-out kinds", 0.1, 0.03)):
        base, trained = (stage[name] for stage in stages)
        assert trained["specificity"] >= base["specificity"] + rise
        assert trained["correctness"] >= base["correctness"] - fall


def assert_every_rollout_is_there_once(run, steps):
    rows = pq.read_table(run / "rollouts.parquet").to_pylist()
    keys = Counter((r["stage"], r["step"], r["dataset"], r["sample_id"], r["index"]) for r in rows)
    assert set(keys.values()) == {1}
    drawn = Counter(row["step"] for row in rows if row["stage"] == "train")
    assert drawn == dict.fromkeys(range(steps), 16 * 8)
    assert Counter(row["stage"] for row in rows)["val"] == 2 * IMAGES


def test_in_process(tmp_path):
    """Fewer steps, to save time; by then seeds differ by less than the bounds are wide."""
    run, _ = finished(start(tmp_path, steps=64), tmp_path)
    assert_it_became_specific(run)
    assert_every_rollout_is_there_once(run, steps=64)


def kill_at_work(server, run, after):
    """Kill a server while it draws, after a number of steps."""
    end = time.monotonic() + 900
    while time.monotonic() < end:
        log = run / "metrics.csv"
        if log.exists() and len(log.read_text().splitlines()) > after and _at_work(server):
            server.kill()
            return
        time.sleep(0.02)
    raise TimeoutError("the server was never at work")


def _at_work(server):
    metrics = httpx.get(f"{server.url}/metrics", timeout=5).text.splitlines()
    running = [line for line in metrics if line.startswith("vllm:num_requests_running")]
    return any(float(line.split()[-1]) > 0 for line in running)


def test_by_two_servers_of_which_one_is_killed_at_work(tmp_path):
    """Few steps, to save time: what they teach is shown in process."""
    servers = [Server(), Server()]
    try:
        urls = [server.wait().url for server in servers]
        process = start(tmp_path, 14, {"servers": urls})
        kill_at_work(servers[1], tmp_path / "run", after=4)
        run, printed = finished(process, tmp_path)
    finally:
        for server in servers:
            server.kill()
    assert f"{urls[1]}" in printed
    assert "going on with 1 servers" in printed
    assert_every_rollout_is_there_once(run, steps=14)
