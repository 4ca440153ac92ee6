"""Runs commands in processes that it forks, and sends them signals; a script that reads requests.

A request is a line of JSON, see `Request`; the answer has the exit codes by rank (below 0 for a
signal, null where a process had to be ended), the seconds since the run has taken its directory,
and since the first signal. All that takes long to import was imported before.
"""

import json
import os
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

import stops  # noqa: F401 (imported once)
import torch
from counting import free_port
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.utilities import rank_zero_only as of_pytorch

import speciarl_pl.policy
import speciarl_pl.world  # noqa: F401 (imported once)
from speciarl_pl.commands.cli import main


@dataclass
class Request:
    words: list[str]
    run: str
    log: str
    ranks: int = 1
    env: dict[str, str] = field(default_factory=dict)
    whom: list[int] = field(default_factory=list)
    """The ranks that a signal goes to."""
    signum: int = int(signal.SIGKILL)
    after: float = 0.0
    """Seconds from when the run has taken its directory, and from when `files` are there."""
    files: list[str] = field(default_factory=list)
    again: float = 0.0
    """Seconds from the first signal to a second one; 0: none."""
    limit: float = 300.0


def begin(request, rank, port):
    """Fork one process of a run."""
    pid = os.fork()
    if pid:
        return pid
    log = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ |= request.env
    if request.ranks > 1:
        os.environ |= {"LOCAL_RANK": str(rank), "NODE_RANK": "0", "WORLD_SIZE": str(request.ranks)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        os.environ["SPECIARL_RUN_DIR"] = request.run
    rank_zero_only.rank = of_pytorch.rank = rank
    code = 70
    try:
        code = main(request.words)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def serve(request):
    """Run it to the end of all its processes."""
    lock = Path(request.run, ".lock")
    lock.unlink(missing_ok=True)
    port = free_port()
    living = {begin(request, rank, port): rank for rank in range(request.ranks)}
    codes = [None] * request.ranks
    end, taken, sent = time.monotonic() + request.limit, None, []
    while living and time.monotonic() < end:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            codes[living.pop(pid)] = os.waitstatus_to_exitcode(status)
            continue
        now = time.monotonic()
        there = [lock, *map(Path, request.files)]
        if taken is None and all(path.exists() for path in there):
            taken = now
        if request.whom and taken is not None and is_due(request, now, taken, sent):
            sent.append(now)
            for other in [pid for pid, rank in living.items() if rank in request.whom]:
                os.kill(other, request.signum)
        time.sleep(0.005)
    now = time.monotonic()
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return {"codes": codes, "seconds": now - (taken or now), "since": now - (sent or [now])[0]}


def is_due(request, now, taken, sent):
    if not sent:
        return now >= taken + request.after
    return len(sent) == 1 and request.again and now >= sent[0] + request.again


class Server:
    """Asks this script, in a process of its own, for runs."""

    def __init__(self):
        import subprocess

        here = Path(__file__).parent
        path = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        self.process.__enter__()
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.__exit__(*error)

    def __call__(self, **request):
        print(json.dumps(asdict(Request(**request))), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


if __name__ == "__main__":
    torch.set_num_threads(1)
    for line in sys.stdin:
        print(json.dumps(serve(Request(**json.loads(line)))), flush=True)
