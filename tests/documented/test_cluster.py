"""docs/cluster.md: torchrun with two processes, and the scripts for SLURM with stand-ins.

`srun` starts the tasks with the variables that SLURM would set, one machine being all nodes;
`scontrol` names hosts; `vllm` notes what it was asked.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from counting import free_port

from .commands import REPOSITORY, label, to_run
from .place import QUICKSTART, TRAINING, finished_run

pytestmark = pytest.mark.slow

SLURM = REPOSITORY / "configs" / "slurm"
SMALL = [*TRAINING, *QUICKSTART, "--trainer.max_steps=-1", "--data.train.init_args.n=4"]
"""Two steps of two images, one on each process."""

SRUN = f"""#!{sys.executable}
import os, subprocess, sys, time
words = sys.argv[1:]
while words[0].startswith("--"):
    del words[0]
nodes = int(os.environ["SLURM_NNODES"])
each = int(os.environ["SLURM_NTASKS_PER_NODE"])
tasks = [
    subprocess.Popen(
        words,
        env={{
            **os.environ,
            "SLURM_NTASKS": str(nodes * each),
            "SLURM_PROCID": str(rank),
            "SLURM_NODEID": str(rank // each),
            "SLURM_LOCALID": str(rank % each),
        }},
    )
    for rank in range(nodes * each)
]
while None in (codes := [task.poll() for task in tasks]) and not any(codes):
    time.sleep(0.1)
for task in tasks:  # --kill-on-bad-exit
    task.terminate()
sys.exit(next((code for code in codes if code), 0))
"""
SCONTROL = "#!/bin/sh\nprintf 'node1\\nnode2\\n'\n"
VLLM = f"#!{sys.executable}\nimport os, json, sys\n" + (
    "rank = os.environ.get('SLURM_PROCID', 'llm')\n"
    "open(f'vllm.{rank}.json', 'w').write(json.dumps(sys.argv[1:]))\n"
    "if rank == 'llm':\n    import time; time.sleep(600)\n"
)


@pytest.fixture
def cluster(place):
    """Environment of a job, but for its size; the current directory is the place."""
    tools = place / "tools"
    tools.mkdir()
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("vllm", VLLM)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    here = [str(REPOSITORY), str(REPOSITORY / "tests")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    return {
        **kept,
        "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(here),
        "OMP_NUM_THREADS": "1",
        "MASTER_PORT": str(free_port()),
    }


def job(name, nodes, each):
    return {
        "SLURM_JOB_ID": "4711",
        "SLURM_JOB_NAME": name,
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_NNODES": str(nodes),
        "SLURM_NTASKS": str(nodes * each),
        "SLURM_NTASKS_PER_NODE": str(each),
    }


def finish(words, environment):
    done = subprocess.run(
        words, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def assert_trained(run, steps=2):
    assert (run / "adapter" / "adapter_model.safetensors").is_file()
    assert json.loads((run / "results.json").read_text())["step"] == steps
    assert len((run / "metrics.csv").read_text().splitlines()) == steps + 1


@pytest.mark.parametrize("command", to_run("torchrun"), ids=label)
def test_torchrun_starts_two_processes(command, place, cluster):
    """As many nodes as it names, all on this machine."""
    port = cluster.pop("MASTER_PORT")
    place_of = {"HEAD": "127.0.0.1", "29500": port}
    words = [place_of.get(word, word) for word in command.words]
    nodes = range(2 if "NODE_RANK" in words else 1)
    torchrun = str(Path(sys.executable).parent / "torchrun")
    each = [
        [torchrun, *(str(at) if word == "NODE_RANK" else word for word in words[1:]), *SMALL]
        for at in nodes
    ]
    started = [
        subprocess.Popen(one, env=cluster, stderr=subprocess.PIPE, text=True) for one in each
    ]
    for one in started:
        said = one.communicate(timeout=300)[1]
        assert one.returncode == 0, said
    assert_trained(place / "TWO")


TRAININGS = [one for one in to_run("sbatch") if "configs/slurm/train.sbatch" in one.words]


@pytest.mark.parametrize("command", TRAININGS, ids=label)
def test_the_script_of_a_training_starts_a_task_for_each_gpu(command, place, cluster, monkeypatch):
    """With the quickstart in the place of what needs GPUs, on two nodes of one task."""
    servers = "cub_lora_vllm_servers" in command.variables.values()
    if servers:  # its options name what other jobs leave
        (place / "servers.json").write_text('["http://node1:8000"]')
        (place / "judge.url").write_text("http://node1:8765")
    script = command.words.index("configs/slurm/train.sbatch")
    rest = command.words[script + 1 :]
    told = {**cluster, **job("speciarl", 2, 1), **command.variables}
    text = " ".join(shlex.quote(w) if "$(" not in w else f'"{w}"' for w in rest)
    if servers:
        said = finish(["bash", "-c", f"printf '%s\\n' {text}"], told).stdout.split()
        assert '["http://node1:8000"]' in said
        assert "http://node1:8765" in said
        return
    told["CONFIG"] = "quickstart"
    goes_on = "RUN" in command.variables
    if goes_on:  # on one process, four steps
        finished_run("before", monkeypatch, "--data.train.init_args.n=4", *rest)
        shutil.copytree("before", told["RUN"])  # this process still holds the other
        rest = [*rest, "--trainer.max_epochs=2"]
    finish(["bash", str(SLURM / "train.sbatch"), *rest, *SMALL], told)
    assert_trained(place / told.get("RUN", "runs/slurm-4711"), 4 + 2 if goes_on else 2)


def test_the_script_of_the_servers_names_them_and_starts_them(place, cluster):
    finish(["bash", str(SLURM / "vllm.sbatch"), "--seed", "1"], {**cluster, **job("vllm", 2, 2)})
    nodes = [f"http://node{node}:{port}" for node in (1, 2) for port in (8000, 8001)]
    assert json.loads((place / "servers.json").read_text()) == nodes
    asked = [json.loads((place / f"vllm.{rank}.json").read_text()) for rank in range(4)]
    assert [one[one.index("--port") + 1] for one in asked] == ["8000", "8001", "8000", "8001"]
    page = (REPOSITORY / "docs" / "vllm.md").read_text()
    for one in asked:
        assert one[:2] == ["serve", "Qwen/Qwen2.5-VL-7B-Instruct"]
        assert one[-2:] == ["--seed", "1"]
        assert json.loads(one[one.index("--limit-mm-per-prompt") + 1]) == {"image": 1, "video": 0}
        for option in re.findall(r"--(?:enable-lora|logprobs-mode|worker-extension-cls)", page):
            assert option in one


@pytest.mark.parametrize("llm", ["", "some/model"], ids=["rules", "llm"])
def test_the_script_of_the_judge_serves_it(llm, place, cluster):
    port = free_port()
    told = {**cluster, **job("judge", 1, 1), "JUDGE": "offline", "LLM": llm, "PORT": str(port)}
    told["SPECIARL_JUDGE_TOKEN"] = "SECRET"
    script = ["bash", str(SLURM / "judge.sbatch")]
    with subprocess.Popen(script, env=told, start_new_session=True) as process:
        try:
            end = time.monotonic() + 120
            while not ready(port):
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.1)
            assert (place / "judge.url").read_text().strip().endswith(f":{port}")
            assert (place / "vllm.llm.json").exists() == bool(llm)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def ready(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).is_success
    except httpx.TransportError:
        return False
