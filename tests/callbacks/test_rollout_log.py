from types import SimpleNamespace

import factory
import pyarrow.parquet as pq
import pytest

from speciarl_pl.callbacks.rollout_log import RolloutLog
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.records import JudgedGroup, Unparsed
from speciarl_pl.run.rollouts import SCHEMA, judged_rows, scored_rows

NAN = float("nan")


@pytest.fixture(scope="module")
def module():
    return SpeciaRLModule()


def trainer_in(folder, sanity_checking=False):
    return SimpleNamespace(
        default_root_dir=str(folder),
        global_rank=0,
        world_size=1,
        is_global_zero=True,
        sanity_checking=sanity_checking,
        predicting=False,
        strategy=SimpleNamespace(barrier=lambda name: None, broadcast=lambda value: value),
        state=SimpleNamespace(fn="fit"),
    )


def train(log, trainer, module, steps, reward=1.0):
    for step in steps:
        module.batches_trained = step + 1
        scored = [factory.scored([3, 5], [reward, 0.0], id=str(step))]
        log.on_train_batch_end(trainer, module, {"scored": scored}, None, step)


def rows(folder):
    return pq.read_table(folder / "rollouts.parquet").to_pylist()


def test_rows_of_a_training_group():
    group = factory.scored([3, 5], [1.0, NAN])
    first, second = scored_rows(group, step=7)
    assert first == {
        "stage": "train",
        "step": 7,
        "position": 0,
        "dataset": "toy",
        "sample_id": "1",
        "subset": "",
        "truth": "crimson hexagon",
        "prompt": None,
        "index": 0,
        "text": "<think>x</think><answer>hexagon</answer>",
        "answer": "hexagon",
        "verdict": "specific",
        "detail": "test",
        "reward": 1.0,
        "advantage": 0.0,
        "tokens": 3,
        "finish_reason": "stop",
        "seed": 0,
    }
    assert (second["reward"], second["verdict"], second["detail"]) == (None, "unjudged", "down")
    assert first.keys() == set(SCHEMA.names)


def test_an_unparsed_rollout_has_no_answer():
    unparsed = Unparsed("no answer")
    judged = JudgedGroup(factory.group([3]), (unparsed,), (unparsed,), ("",))
    (row,) = judged_rows(judged, "val", 0)
    assert (row["answer"], row["verdict"], row["detail"]) == (None, "unparsed", "no answer")
    assert "reward" not in row


def test_one_file_with_nulls_and_no_leftovers(tmp_path, module):
    log, trainer = RolloutLog(flush_every=2), trainer_in(tmp_path)
    train(log, trainer, module, range(5))
    judged = [factory.scored([3], [NAN]).judged]
    log.on_validation_batch_end(trainer, module, {"judged": judged}, None, 0)
    log.on_validation_end(trainer, module)
    log.teardown(trainer, module, "fit")
    assert [path.name for path in tmp_path.iterdir()] == ["rollouts.parquet"]
    assert [(row["stage"], row["step"], row["index"]) for row in rows(tmp_path)] == [
        *(("train", step, index) for step in range(5) for index in range(2)),
        ("val", 5, 0),
    ]
    assert rows(tmp_path)[-1]["reward"] is None
    assert pq.read_schema(tmp_path / "rollouts.parquet") == SCHEMA


def test_the_base_is_told_from_the_trained(tmp_path, module):
    log, trainer = RolloutLog(), trainer_in(tmp_path, sanity_checking=True)
    module.batches_trained = 0
    judged = {"judged": [factory.scored([3], [1.0]).judged]}
    log.on_validation_batch_end(trainer, module, judged, None, 0)
    trainer.sanity_checking = False
    log.on_validation_batch_end(trainer, module, judged, None, 0)
    log.teardown(trainer, module, "fit")
    assert [row["stage"] for row in rows(tmp_path)] == ["base", "val"]


def test_a_resumed_run_replaces_the_steps_it_repeats(tmp_path, module):
    trainer = trainer_in(tmp_path)
    first = RolloutLog(flush_every=1)
    train(first, trainer, module, range(4))
    first.teardown(trainer, module, "fit")
    second = RolloutLog(flush_every=1)
    train(second, trainer, module, range(2, 6), reward=3.0)
    second.teardown(trainer, module, "fit")
    found = [(row["step"], row["reward"]) for row in rows(tmp_path) if row["index"] == 0]
    assert found == [(0, 1), (1, 1), (2, 3), (3, 3), (4, 3), (5, 3)]


def test_a_killed_run_leaves_readable_parts_that_the_next_takes_up(tmp_path, module):
    trainer = trainer_in(tmp_path)
    train(RolloutLog(flush_every=2), trainer, module, range(5))  # and then the machine is gone
    parts = sorted((tmp_path / "rollouts.parts").iterdir())
    assert [pq.read_table(part).num_rows for part in parts] == [4, 4]
    after = RolloutLog(flush_every=2)
    train(after, trainer, module, range(4, 6))
    after.teardown(trainer, module, "fit")
    assert [row["step"] for row in rows(tmp_path) if row["index"] == 0] == list(range(6))


def test_an_exception_leaves_the_whole_file(tmp_path, module):
    log, trainer = RolloutLog(), trainer_in(tmp_path)
    train(log, trainer, module, range(3))
    log.on_exception(trainer, module, RuntimeError())
    assert len(rows(tmp_path)) == 6


def test_a_full_disk_does_not_hide_what_went_wrong_before(tmp_path, module, monkeypatch):
    log, trainer = RolloutLog(), trainer_in(tmp_path)
    train(log, trainer, module, range(3))
    monkeypatch.setattr(pq, "write_table", _no_space)
    log.on_exception(trainer, module, RuntimeError())
    monkeypatch.undo()
    log.teardown(trainer, module, "fit")
    assert len(rows(tmp_path)) == 6, "kept for the next try"


def _no_space(*args, **options):
    raise OSError(28, "No space left on device")


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="flush_every: expected an int >= 1, got 0"):
        RolloutLog(flush_every=0)


@pytest.mark.parametrize("validated", [True, False], ids=["validated", "to be validated"])
def test_a_resumed_run_drops_what_the_checkpoint_does_not_have(tmp_path, module, validated):
    trainer = trainer_in(tmp_path)
    trainer.datamodule = OpenWorldDataModule()
    log = RolloutLog()
    train(log, trainer, module, range(4))
    judged = {"judged": [factory.scored([3], [1.0]).judged]}
    for module.batches_trained in (2, 4):
        log.on_validation_batch_end(trainer, module, judged, None, 0)
    log.on_save_checkpoint(trainer, module, {})  # and then the machine is gone
    module.batches_trained = 2
    checkpoint = {"OpenWorldDataModule": {"position": {"validated": validated}}}
    RolloutLog().on_load_checkpoint(trainer, module, checkpoint)
    found = {(row["stage"], row["step"]) for row in rows(tmp_path)}
    assert found == {("train", 0), ("train", 1)} | ({("val", 2)} if validated else set())
