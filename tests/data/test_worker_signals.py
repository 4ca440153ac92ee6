"""Workers leave it to the main process when to end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from speciarl_pl.data.loader import _begin_worker


def wait_for_ever(ready):
    _begin_worker(0)
    ready.set()
    time.sleep(60)


@pytest.fixture
def worker():
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    worker = context.Process(target=wait_for_ever, args=(ready,), daemon=True)
    worker.start()
    assert ready.wait(60)
    yield worker
    worker.kill()
    worker.join()


@pytest.mark.slow
def test_ctrl_c_and_the_end_of_a_job_do_not_end_a_worker_but_the_main_process_does(worker):
    for signum in (signal.SIGINT, signal.SIGHUP):
        os.kill(worker.pid, signum)
    stranger = f"import os; os.kill({worker.pid}, {int(signal.SIGTERM)})"
    subprocess.run([sys.executable, "-c", stranger], check=True)
    time.sleep(0.5)
    assert worker.is_alive()
    worker.terminate()
    worker.join(10)
    assert worker.exitcode == 0
