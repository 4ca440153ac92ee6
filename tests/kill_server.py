"""Runs commands in processes that it forks, and kills them; run as a script, it reads requests.

A request is a line of JSON: `words`, `ranks`, `run` (directory), `log` (file), and to be killed
`after` (seconds since the run has taken its directory) and `whom` (ranks). The answer has the exit
codes by rank, below 0 for a signal, and the seconds since then. All that takes long to import was
imported before.
"""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import stops  # noqa: F401 (imported once)
import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.utilities import rank_zero_only as of_pytorch

import speciarl_pl.policy
import speciarl_pl.world  # noqa: F401 (imported once)
from speciarl_pl.cli import main

LIMIT_S = 300.0


def begin(request, rank, port):
    """Fork one process of a run."""
    pid = os.fork()
    if pid:
        return pid
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if request["ranks"] > 1:
        os.environ |= {
            "LOCAL_RANK": str(rank),
            "NODE_RANK": "0",
            "SPECIARL_RUN_DIR": request["run"],
        }
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        os.environ["WORLD_SIZE"] = str(request["ranks"])
    rank_zero_only.rank = of_pytorch.rank = rank
    code = 70
    try:
        code = main(request["words"])
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def serve(request):
    lock = Path(request["run"], ".lock")
    lock.unlink(missing_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    living = {begin(request, rank, port): rank for rank in range(request["ranks"])}
    began, end, codes = None, time.monotonic() + LIMIT_S, {}
    whom = list(request.get("whom", []))
    while living:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            codes[living.pop(pid)] = os.waitstatus_to_exitcode(status)
            continue
        now = time.monotonic()
        if began is None and lock.exists():
            began = now
        due = whom and began is not None and now >= began + request["after"]
        if due or now > end:
            for other, rank in living.items():
                if now > end or rank in whom:
                    os.kill(other, signal.SIGKILL)
            whom = []
        time.sleep(0.005)
    ranks = [codes[rank] for rank in range(request["ranks"])]
    hung = time.monotonic() > end
    return {"codes": ranks, "seconds": time.monotonic() - (began or end), "hung": hung}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)
