"""Outputs that nobody reads, that find no room or know few letters, and Ctrl-C at the start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import runs

SAYS = """
import sys
from speciarl_pl.commands.start_up import run_program
from speciarl_pl.commands.running import run_command
from speciarl_pl.system.terminal import console, say

def command():
    for number in range(200):  # more than a pipe holds
        say(f"line {number} " + "." * 1000)
    console().print("the end")
    print("to stderr", file=sys.stderr)
    open("done", "w").close()
    return 3 if "fails" in sys.argv else 0

sys.exit(run_program(lambda: run_command(command)))
"""


def python(*words, cwd=None, unbuffered=False, **options):
    flags = ["-u"] if unbuffered else []
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *flags, *words], cwd=cwd, **given | options)


def leave(process, seconds=60):
    """Read a line and no more; gives it, what is said on stderr, and the exit code."""
    with process:
        line = process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read() if process.stderr else ""
        return line, said, process.wait(seconds)


@pytest.fixture
def closed():
    """The end of a pipe to write to, which nobody reads."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@pytest.mark.parametrize("unbuffered", [False, True], ids=["buffered", "python_u"])
@pytest.mark.parametrize("which", ["stdout", "stderr", "both"])
def test_a_closed_pipe_ends_no_command(tmp_path, closed, which, unbuffered):
    streams = {"stdout": closed, "stderr": closed}
    asked = streams if which == "both" else {which: closed}
    process = python("-c", SAYS, cwd=tmp_path, unbuffered=unbuffered, **asked)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert (tmp_path / "done").exists()
    if which == "stdout":
        assert err == "to stderr\n"
    if which == "stderr":
        assert out.count("\n") == 201


def test_a_reader_that_leaves_early_has_the_first_lines_and_the_code_is_the_commands(tmp_path):
    line, said, code = leave(python("-c", SAYS, "fails", cwd=tmp_path))
    assert (line[:7], said, code) == ("line 0 ", "to stderr\n", 3)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_that_finds_no_room_is_said_and_ends_nothing(tmp_path):
    with Path("/dev/full").open("w") as full:
        process = python("-c", SAYS, cwd=tmp_path, stdout=full)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, (tmp_path / "done").exists()) == (1, True)
    last = err.splitlines()[-1]
    assert last.startswith("error: stdout: some of the output was lost (No space left on device)")
    assert "Traceback" not in err


def test_no_output_at_all_is_no_error(tmp_path):
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" >&- 2>&-', sys.executable, SAYS], cwd=tmp_path, check=False
    )
    assert (done.returncode, (tmp_path / "done").exists()) == (0, True)


LETTERS = r"""
import sys
from speciarl_pl.commands.start_up import run_program
def program():
    print("before any command: \u72d7 \u2014")
    from speciarl_pl.commands.running import run_command
    from speciarl_pl.errors import DataError
    from speciarl_pl.system.terminal import say
    def command():
        say("Citro\u00ebn \u72d7 \udce9")
        raise DataError("\u72d7.jpg: no image")
    return run_command(command)
sys.exit(run_program(program))
"""


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
    ids=["latin_1", "ascii", "C"],
)
def test_letters_that_an_encoding_lacks_are_written_out(settings):
    process = python("-c", LETTERS, env=os.environ | settings, text=False, stdin=subprocess.DEVNULL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    name = b"Citro\xebn" if settings.get("PYTHONIOENCODING") == "latin-1" else rb"Citro\xebn"
    lines = out.split(b"\n")
    assert lines[:2] == [rb"before any command: \u72d7 \u2014", name + rb" \u72d7 \xe9"]
    assert err == b"error: \\u72d7.jpg: no image\n"


# ------------------------------------------------------------------------------- Ctrl-C

IMPORTS = """
import sys, time
from speciarl_pl.commands.start_up import run_program
from speciarl_pl.commands.running import run_command
def spoil():
    try:
        print("importing", flush=True)
        time.sleep(30)
    except KeyboardInterrupt:
        raise ImportError("numpy: something odd went wrong")
def command():
    spoil()
    return 0
sys.exit(run_program(spoil if "early" in sys.argv else lambda: run_command(command)))
"""


@pytest.mark.parametrize("moment", ["early", "late"])
def test_ctrl_c_in_the_midst_of_an_import_says_nothing(moment):
    process = python("-c", IMPORTS, moment)
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130


def test_ctrl_c_that_the_shell_has_switched_off_stays_off():
    """As under nohup, and behind `&` in a script."""
    process = python("-c", IMPORTS.replace("30", "0.5"), "early", preexec_fn=_deaf)
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def _deaf():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("data", "list"),
        ("judge", "ask", "dog", "dog"),
        ("--help",),
        ("doctor",),
        ("report", "nowhere"),
        ("fit", "--config", "quickstart", "--run_dir", "run"),
    ],
    ids=lambda words: words[0],
)
def test_ctrl_c_while_a_command_starts_leaves_no_traceback(tmp_path, words):
    """Python says what it imports, and so when the first of ours is done."""
    process = python("-X", "importtime", "-m", "speciarl_pl", *words, cwd=tmp_path)
    with process:
        said = iter(process.stderr.readline, "")
        assert any("speciarl_pl.system.quiet" in line for line in said)
        process.send_signal(signal.SIGINT)
        rest = list(said)
        assert process.wait(60) == 130
    assert all(line.startswith("import time:") for line in rest)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------ commands


@pytest.mark.slow
@pytest.mark.parametrize("words", [("data", "list"), ("fit", "--help")], ids=lambda one: one[0])
def test_what_is_cut_is_no_error(words):
    line, said, code = leave(python("-m", "speciarl_pl", *words))
    assert line
    assert (said, code) == ("", 0)


@pytest.mark.slow
def test_a_run_whose_reader_leaves_is_finished(tmp_path):
    (tmp_path / "tiny.yaml").write_text(runs.CONFIG)
    tests = str(Path(__file__).parent)
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), tests]))
    process = python(
        *("-m", "speciarl_pl", "fit", "--config=tiny.yaml", "--run_dir=run"),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        stderr=subprocess.STDOUT,
    )
    line, _, code = leave(process, 120)
    assert line
    assert code == 0
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left >= {"report.html", "results.json", "adapter", "rollouts.parquet", "metrics.csv"}
