import threading

import pytest
from service_tools import WAIT_S, BackEnd, Echo, until

from speciarl_pl.judge.service.health import BackendWatch


@pytest.fixture
def watch_of():
    watches = []

    def make(judge, interval_s=0.01, timeout_s=0.05):
        watches.append(BackendWatch(judge, interval_s, timeout_s))
        watches[-1].start()
        return watches[-1]

    yield make
    for watch in watches:
        watch.stop()


def test_red_before_the_first_check():
    state = BackendWatch(Echo()).state()
    assert not state.ready
    assert state.reason == "not checked yet"


def test_a_judge_without_a_service_is_ready(watch_of):
    watch = watch_of(Echo())
    assert until(lambda: watch.state().ready)
    assert watch.state().reason == "ok"


def test_a_back_end_that_stops_and_returns(watch_of):
    judge = BackEnd()
    watch = watch_of(judge)
    assert until(lambda: watch.state().ready)
    judge.is_up = False
    assert until(lambda: watch.state().reason == "connection refused")
    judge.is_up = True
    assert until(lambda: watch.state().ready)


def test_a_back_end_that_hangs_and_wakes(watch_of):
    judge = BackEnd()
    watch = watch_of(judge)
    assert until(lambda: watch.state().ready)
    judge.may_answer.clear()
    assert until(lambda: watch.state().reason == "no answer within 0.05 s")
    checks = judge.checks
    judge.may_answer.set()
    assert until(lambda: watch.state().ready)
    assert judge.most_checking == 1
    assert until(lambda: judge.checks > checks)


def test_a_busy_back_end_is_not_gone(watch_of):
    judge = BackEnd()
    judge.may_answer.clear()
    answers = threading.Event()

    def others():
        while not answers.wait(0.005):
            judge.stats.count_request(0.005, 1, 1)

    thread = threading.Thread(target=others)
    thread.start()
    watch = watch_of(judge, timeout_s=0.5)
    assert until(lambda: watch.state().ready)
    answers.set()
    thread.join()
    assert until(lambda: watch.state().reason == "no answer within 0.5 s")
    judge.may_answer.set()


def test_whatever_a_check_raises_is_no_answer(watch_of):
    class Broken(Echo):
        def check(self):
            raise ZeroDivisionError

    watch = watch_of(Broken())
    assert until(lambda: watch.state().reason == "ZeroDivisionError")


def test_old_results_do_not_count(monkeypatch, watch_of):
    watch = watch_of(Echo())
    assert until(lambda: watch.state().ready)
    watch._stopping.set()  # as if its thread had died
    watch._thread.join()
    now = watch._updated
    monkeypatch.setattr("speciarl_pl.judge.service.health.time.monotonic", lambda: now + 100)
    assert watch.state().reason == "no check ended in the last 100 s"


def test_red_once_the_service_shuts_down(watch_of):
    watch = watch_of(Echo())
    assert until(lambda: watch.state().ready)
    watch.close_down()
    assert watch.state().reason == "shutting down"
    assert not until_changed(watch)


def until_changed(watch):
    """Whether some more checks make a difference."""
    checked = watch._updated
    assert until(lambda: watch._updated > checked)
    return watch.state().ready


def test_stop_does_not_wait_for_a_check_that_hangs(watch_of):
    judge = BackEnd()
    judge.may_answer.clear()
    watch = watch_of(judge, timeout_s=WAIT_S)
    assert until(lambda: judge.checking)
    watch.stop()
    assert not watch._thread.is_alive()
    judge.may_answer.set()


@pytest.mark.parametrize("name", ["check_interval_s", "check_timeout_s"])
def test_times_are_positive(name):
    with pytest.raises(ValueError, match=f"{name}: expected seconds > 0, got 0"):
        BackendWatch(Echo(), **{name.removeprefix("check_"): 0})
