"""`python -m speciarl_pl judge serve` in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
from counting import free_port

TESTS = str(Path(__file__).parents[1])


class ServiceProcess:
    """Serves the judge that `config` describes; `url` says where."""

    def __init__(self, folder, config, port=None):
        file = folder / "judge.yaml"
        file.write_text(json.dumps(config))
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "service.log"
        command = [sys.executable, "-m", "speciarl_pl", "judge", "serve", "--config", str(file)]
        command += ["--port", str(self.port)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, "PYTHONPATH": TESTS, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self):
        """What `/readyz` says: True, False, or None if the service does not answer."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return None

    def wait(self, seconds=120):
        """Until it is ready."""
        end = time.monotonic() + seconds
        while not self.ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)
        return self

    def kill(self):
        """With kill -9."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
