"""Runs that are killed at random moments, by SIGKILL, end as one that was never killed.

KILLS=20 kills twenty of each kind; by default two with one process and one with two. KILLS_SEED
draws other moments.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import runs
import torch
from resuming import OPTIONS, assert_as_if_never_stopped

from speciarl_pl.report import read_run

pytestmark = pytest.mark.slow

TWENTY_STEPS = (
    "--trainer.max_epochs=5",
    "--trainer.num_sanity_val_steps=-1",
    "--trainer.check_val_every_n_epoch=2",
    "--checkpoint.every_n_train_steps=3",
)
TWO = ("--trainer.devices=2", "--trainer.strategy=ddp", "--data.batch_size=1")


class Server:
    """Asks tests/kill_server.py for runs in directories under `folder`."""

    def __init__(self, folder, ranks):
        self.folder, self.ranks = folder, ranks
        self.config = folder / "tiny.yaml"
        self.config.write_text(runs.CONFIG)
        here = Path(__file__).parent
        path = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [sys.executable, here / "kill_server.py"],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, name, **kill):
        run = self.folder / name
        words = ["fit", f"--config={self.config}", f"--run_dir={run}", "--ckpt_path=last", *OPTIONS]
        words += [*TWENTY_STEPS, *(TWO if self.ranks == 2 else ())]
        log = self.folder / f"{name}.log"
        request = {"words": words, "ranks": self.ranks, "run": str(run), "log": str(log), **kill}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        assert not answer["hung"], log.read_text()
        return answer


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two processes"])
def server(request, tmp_path_factory):
    """Has done a run that was not killed, `whole`, in `seconds`."""
    server = Server(tmp_path_factory.mktemp("kills"), request.param)
    with server.process:
        done = server("whole")
        assert set(done["codes"]) == {0}, (server.folder / "whole.log").read_text()
        server.seconds = done["seconds"]
        yield server
        server.process.stdin.close()


def test_killed_at_random_moments(server):
    """A third of the kills with two processes take rank 0 alone, a third rank 1, the rest both."""
    kills = int(os.environ.get("KILLS", 3 - server.ranks))
    draw = random.Random(int(os.environ.get("KILLS_SEED", "0")))
    for number in range(kills):
        name = f"killed-{number}"
        run = server.folder / name
        whom = [[0], [1], [0, 1]][number % 3] if server.ranks == 2 else [0]
        codes = [0]
        while -9 not in codes:
            shutil.rmtree(run, ignore_errors=True)
            after = draw.random() * server.seconds
            done = server(name, after=after, whom=whom)
            codes = done["codes"]
            if -9 not in codes:  # it had ended before, on a machine that has less to do now
                server.seconds = done["seconds"]
        print(f"{name}: ranks {whom} after {after:.1f} s, codes {codes}, {left(run)}", flush=True)
        done = server(name)
        log = (server.folder / f"{name}.log").read_text()
        assert set(done["codes"]) == {0}, log
        assert_as_if_never_stopped(run, server.folder / "whole")
        assert_readable(run)


def left(run):
    """What a killed run left; every file of it can be read."""
    steps = [
        torch.load(path, weights_only=True)["speciarl"]["batches_trained"]
        for path in run.glob("checkpoints/*.ckpt")
    ]
    for path in run.rglob("[!.]*.parquet"):
        pq.read_table(path)
    for path in run.glob("*.json"):
        json.loads(path.read_text())
    return f"checkpoints of steps {sorted(set(steps))}"


def assert_readable(run):
    left(run)
    read_run(run)
    hidden = {path.name for path in run.rglob(".*")}
    assert hidden == {".lock"}
    assert not (run / "rollouts.parts").exists()
