"""Whichever of two ranks a signal comes to, in the midst of a long draw, both end at once."""

import signal

import pytest
import runs
import torch
from kill_server import Server
from resuming import OPTIONS
from test_kills import TWO

TERM, INT, HUP, KILL = map(int, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL))

AT_ONCE_S = 20.0
"""Far less than the draw, with room for a machine that has other things to do."""
DRAW_S = 120.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signals")
    (folder / "tiny.yaml").write_text(runs.CONFIG)
    return folder


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        yield server


@pytest.fixture
def stopped(folder, server, request):
    """Runs a fit to the draw of its third batch and sends signals; gives what came of it."""

    def stopped(ranks, drawing, env=(), **signals):
        run = folder / request.node.name
        marks = folder / f"{request.node.name} marks"
        marks.mkdir()
        words = ["fit", f"--config={folder / 'tiny.yaml'}", f"--run_dir={run}", *OPTIONS]
        words += ["--data.num_workers=1", *(TWO if ranks == 2 else ())]
        hold = ", ".join(f'"{rank}": {DRAW_S}' for rank in drawing)
        done = server(
            words=words,
            ranks=ranks,
            run=str(run),
            log=str(run.with_suffix(".log")),
            env={"STOP_HOLD": f"{{{hold}}}", "STOP_MARKS": str(marks), **dict(env)},
            files=[str(marks / f"drawing-{rank}") for rank in drawing],
            after=1.0,
            **signals,
        )
        done["said"] = run.with_suffix(".log").read_text()
        done["path"] = run / "checkpoints" / "stopped.ckpt"
        assert None not in done["codes"], done["said"]
        assert done["since"] < AT_ONCE_S, done["said"]
        assert "Traceback" not in done["said"]
        return done

    return stopped


@pytest.mark.parametrize(
    ("ranks", "drawing", "signum", "whom"),
    [
        pytest.param(1, [0], HUP, [0], id="a closed terminal, one process"),
        pytest.param(2, [0, 1], TERM, [0], id="TERM to rank 0"),
        pytest.param(2, [0, 1], INT, [1], id="INT to rank 1"),
        pytest.param(2, [0, 1], INT, [0, 1], id="Ctrl-C, to both"),
        pytest.param(2, [0], TERM, [1], id="TERM to rank 1, which waits for rank 0"),
        pytest.param(2, [1], INT, [0], id="INT to rank 0, which waits for rank 1"),
    ],
)
def test_a_signal_ends_all_at_once_with_a_checkpoint(stopped, ranks, drawing, signum, whom):
    done = stopped(ranks, drawing, signum=signum, whom=whom)
    assert done["codes"] == [128 + signum] * ranks
    checkpoint = torch.load(done["path"], weights_only=True)["speciarl"]
    assert checkpoint["batches_trained"] == 2, "the batch under way comes first when it goes on"
    assert len(checkpoint["rng"]) == ranks
    assert done["said"].count("The run was saved. It goes on with: python -m speciarl_pl fit") == 1


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_second_interrupt_ends_what_cannot_be_left(stopped, ranks):
    """Rank 0 takes no notice of the first; rank 1 waits for it within torch."""
    env = {"STOP_STUBBORN": "1"}
    done = stopped(ranks, [0], signum=INT, whom=list(range(ranks)), again=1.5, env=env)
    assert done["codes"] == [130] * ranks
    assert not done["path"].exists()


def test_the_ranks_that_are_left_end_when_rank_0_is_killed(stopped):
    done = stopped(2, [0, 1], signum=KILL, whom=[0])
    assert done["codes"] == [-KILL, 1]
    assert "error: rank 0 has ended, and the run cannot go on without it. It goes" in done["said"]
