import anyio
import pytest

from speciarl_pl.judge.llm.constraint_probe import working_mode
from speciarl_pl.judge.llm.endpoint import CallError

pytestmark = pytest.mark.usefixtures("fresh_probes")


class Endpoint:
    """Knows `mode` and ignores other fields; asking it takes a moment."""

    def __init__(self, mode="choice", failures=0):
        self.mode, self.failures, self.asked = mode, failures, 0
        self.gate = anyio.Event()

    async def complete(self, messages, fields):
        self.asked += 1
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise CallError("down", "connection", transient=True)
        return next(iter(fields[self.mode].values()))[0] if self.mode in fields else "Paris"


def test_who_comes_together_asks_together():
    async def main():
        endpoint, found = Endpoint("structured_outputs"), []

        async def ask():
            found.append(await working_mode("x", endpoint.complete))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            endpoint.gate.set()
        assert found == ["choice"] * 5
        assert endpoint.asked == 1
        assert await working_mode("y", endpoint.complete) == "choice"
        assert endpoint.asked == 2

    anyio.run(main)


def test_a_failure_is_told_to_all_who_wait_and_not_kept():
    async def main():
        endpoint, failed = Endpoint("structured_outputs", failures=1), []

        async def ask():
            try:
                await working_mode("x", endpoint.complete)
            except CallError as error:
                failed.append(str(error))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            endpoint.gate.set()
        assert failed == ["down"] * 3
        assert await working_mode("x", endpoint.complete) == "choice"

    anyio.run(main)


def test_another_goes_on_when_the_one_who_asked_stops():
    async def main():
        endpoint, found = Endpoint("structured_outputs"), []
        first = anyio.CancelScope()

        async def stopped():
            with first:
                await working_mode("x", endpoint.complete)

        async def ask():
            found.append(await working_mode("x", endpoint.complete))

        async with anyio.create_task_group() as group:
            group.start_soon(stopped)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            first.cancel()
            endpoint.gate.set()
        assert found == ["choice"]
        assert endpoint.asked == 2

    anyio.run(main)


def test_one_who_waits_can_stop_without_harm():
    async def main():
        endpoint, found = Endpoint("structured_outputs"), []
        second = anyio.CancelScope()

        async def ask():
            found.append(await working_mode("x", endpoint.complete))

        async def stopped():
            with second:
                await ask()

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(stopped)
            await anyio.wait_all_tasks_blocked()
            second.cancel()
            await anyio.wait_all_tasks_blocked()
            endpoint.gate.set()
        assert found == ["choice"]

    anyio.run(main)
