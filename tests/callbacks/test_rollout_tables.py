from types import SimpleNamespace

import factory
import pytest

from speciarl_pl.callbacks import RolloutTables


class Tables:
    """A logger that takes tables, or fails to."""

    def __init__(self, broken=False):
        self.broken, self.found = broken, []

    def log_table(self, key, columns, data, step):
        if self.broken:
            raise TypeError("no tables today")
        self.found.append((key, len(data), step))


def trainer(*loggers, sanity=False, sanity_steps=2):
    return SimpleNamespace(
        loggers=loggers,
        is_global_zero=True,
        sanity_checking=sanity,
        num_sanity_val_steps=sanity_steps,
    )


def module(batches=1):
    return SimpleNamespace(batches_trained=batches)


def train(tables, of, steps, groups=3):
    scored = [factory.scored([3] * 4, [1.0, 0.0, 0.0, 1.0], id=str(n)) for n in range(groups)]
    for step in range(steps):
        tables.on_train_batch_end(of, module(step + 1), {"scored": scored}, None, step)


def validate(tables, of, images=5):
    judged = [factory.scored([3, 3], [1.0, 0.0], id=str(n)).judged for n in range(images)]
    tables.on_validation_start(of, module())
    tables.on_validation_batch_end(of, module(), {"judged": judged}, None, 0)
    tables.on_validation_end(of, module())


def test_rows_and_intervals_are_bounded():
    logger = Tables()
    train(RolloutTables(rows=6, every_n_steps=4), trainer(logger), 9)
    assert logger.found == [("train/rollouts", 6, step) for step in (0, 4, 8)]


def test_a_validation_shows_its_first_images_once_each():
    logger = Tables()
    validate(RolloutTables(rows=3), trainer(logger))
    assert logger.found == [("val/toy/rollouts", 3, 1)]


@pytest.mark.parametrize(("steps", "count"), [(2, 0), (float("inf"), 1)])
def test_a_validation_of_the_base_counts_if_it_is_whole(steps, count):
    logger = Tables()
    validate(RolloutTables(), trainer(logger, sanity=True, sanity_steps=steps))
    assert len(logger.found) == count


def test_none_are_made_where_none_are_wanted():
    logger = Tables()
    train(RolloutTables(rows=0), trainer(logger), 2)
    assert logger.found == []


def test_a_logger_that_fails_costs_the_tables_alone_and_is_named_once(capsys):
    train(RolloutTables(every_n_steps=1), trainer(Tables(broken=True)), 5)
    (line,) = capsys.readouterr().err.splitlines()
    assert "warning: tables: Tables took no table of rollouts (TypeError: no tables today)" in line


@pytest.mark.parametrize(("option", "value"), [("rows", -1), ("every_n_steps", 0)])
def test_bad_arguments(option, value):
    with pytest.raises(ValueError, match=f"^{option}: expected an int >= ., got {value}"):
        RolloutTables(**{option: value})
