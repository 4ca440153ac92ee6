"""Ctrl-C in a real terminal, which sends it to all processes of a command."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
import runs
import torch
from resuming import OPTIONS
from test_kills import TWO

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent


class Terminal:
    """A command in a terminal of its own.

    Args:
        words: Of the command.
        env: More for its environment.
    """

    def __init__(self, words, env):
        self.master, slave = os.openpty()
        path = [str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "speciarl_pl", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1", **env},
        )
        os.close(slave)
        self.said = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while True:
            try:
                self.said += os.read(self.master, 4096)
            except OSError:  # nobody writes to it any more
                return

    def press_ctrl_c(self):
        os.write(self.master, b"\x03")

    def end(self):
        """Its exit code and all it printed."""
        code = self.process.wait(60)
        self._reader.join(20)
        os.close(self.master)
        return code, self.said.decode(errors="replace")


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("presses", [1, 2], ids=["once", "twice"])
def test_ctrl_c_in_a_terminal_saves_and_ends_all(tmp_path, ranks, presses):
    """A second press comes when all is saved, or nearly: nothing breaks by it."""
    (tmp_path / "tiny.yaml").write_text(runs.CONFIG)
    run, marks = tmp_path / "run", tmp_path / "marks"
    marks.mkdir()
    words = ["fit", f"--config={tmp_path / 'tiny.yaml'}", f"--run_dir={run}", *OPTIONS]
    words += ["--data.num_workers=1", *(TWO if ranks == 2 else ())]
    hold = ", ".join(f'"{rank}": 120' for rank in range(ranks))
    terminal = Terminal(words, {"STOP_HOLD": f"{{{hold}}}", "STOP_MARKS": str(marks)})
    end = time.monotonic() + 120
    while not all((marks / f"drawing-{rank}").exists() for rank in range(ranks)):
        assert time.monotonic() < end, terminal.said
        assert terminal.process.poll() is None, terminal.said
        time.sleep(0.05)
    for press in range(presses):
        time.sleep(1.2 * press)
        terminal.press_ctrl_c()
    code, said = terminal.end()
    assert "Traceback" not in said, said
    # The second may come while Python itself ends; a shell says 130 of that, too.
    assert code in ((130,) if presses == 1 else (130, -signal.SIGINT)), said
    assert "goes on with: python -m speciarl_pl fit" in " ".join(said.split()), said
    path = run / "checkpoints" / "stopped.ckpt"
    assert torch.load(path, weights_only=True)["speciarl"]["batches_trained"] == 2
