import pytest
from factory import scored

from speciarl_pl.errors import RunError
from speciarl_pl.run.rollouts import RolloutFiles, judged_rows, scored_rows

SETTINGS = {"prompt": "What is this?", "sampling": {"temperature": 0.6, "stop": []}}


def val_rows(*positions, text="<answer>hexagon</answer>"):
    for position in positions:
        judged = scored([3, 5], [1.0, 0.0], id=str(position)).judged
        for row in judged_rows(judged, "val", 0):
            yield {**row, "text": text, "position": position}


def train_rows(step, *ids):
    for id_ in ids:
        for row in scored_rows(scored([3, 5], [1.0, 0.0], id=str(id_)), step):
            yield {**row, "position": id_}


def joined(files):
    files.join()
    ((table, settings),) = files.read()
    return table.to_pylist(), settings


def test_a_validation_comes_in_the_order_of_the_data(tmp_path):
    files = RolloutFiles(tmp_path)
    files.write_part(list(val_rows(5, 3)), SETTINGS)
    RolloutFiles(tmp_path, rank=1).write_part(list(val_rows(4, 2)), SETTINGS)
    files.write_part(list(val_rows(0)), SETTINGS)
    rows, settings = joined(files)
    assert [(row["position"], row["index"]) for row in rows] == [
        (position, index) for position in (0, 2, 3, 4, 5) for index in range(2)
    ]
    assert settings == SETTINGS
    assert [path.name for path in tmp_path.iterdir()] == ["rollouts.parquet"]


def test_training_keeps_the_order_of_its_batches(tmp_path):
    files = RolloutFiles(tmp_path)
    files.write_part([*train_rows(0, 9, 1), *train_rows(1, 4)])
    RolloutFiles(tmp_path, rank=1).write_part([*train_rows(0, 8), *train_rows(1, 0)])
    rows, settings = joined(files)
    order = [(row["step"], row["position"]) for row in rows if row["index"] == 0]
    assert order == [(0, 9), (0, 1), (0, 8), (1, 4), (1, 0)]
    assert settings is None


def test_a_later_row_replaces_an_earlier_across_parts_and_the_file(tmp_path):
    files = RolloutFiles(tmp_path)
    files.write_part(list(val_rows(0, 1, text="old")))
    files.join()
    files.write_part(list(val_rows(1, 2, text="new")))
    rows, _ = joined(files)
    texts = [(row["position"], row["text"]) for row in rows if row["index"] == 0]
    assert texts == [(0, "old"), (1, "new"), (2, "new")]


def test_some_columns_can_be_read_alone(tmp_path):
    files = RolloutFiles(tmp_path)
    files.write_part(list(val_rows(0)), SETTINGS)
    ((table, settings),) = files.read(["position", "answer"])
    assert table.column_names == ["position", "answer"]
    assert settings == SETTINGS


def test_what_is_no_such_file_is_named(tmp_path):
    (tmp_path / "rollouts.parquet").write_text("not parquet")
    with pytest.raises(RunError, match=r"rollouts\.parquet: not rollouts of a run"):
        list(RolloutFiles(tmp_path).read())


def test_ranks_number_their_parts_alike_whoever_writes_first_or_nothing(tmp_path):
    first, second = RolloutFiles(tmp_path), RolloutFiles(tmp_path, rank=1)
    first.write_part([])
    second.write_part(list(train_rows(0, 1)))
    second.write_part(list(train_rows(1, 3)))
    first.write_part(list(train_rows(1, 2)))
    names = ["000000-1.parquet", "000001-0.parquet", "000001-1.parquet"]
    assert sorted(path.name for path in (tmp_path / "rollouts.parts").iterdir()) == names
    RolloutFiles(tmp_path, rank=1).write_part(list(train_rows(2, 4)))
    assert (tmp_path / "rollouts.parts" / "000002-1.parquet").exists(), "never over another one"
    rows, _ = joined(first)
    assert [row["position"] for row in rows if row["index"] == 0] == [1, 2, 3, 4]


def test_rows_that_are_not_wanted_are_left_out(tmp_path):
    files = RolloutFiles(tmp_path)
    files.keep_before({"train": 1})
    for step in range(3):
        files.write_part(list(train_rows(step, step)), SETTINGS)
    files.write_part(list(val_rows(7)), SETTINGS)
    files.keep_before({"train": 2})
    rows, settings = joined(files)
    assert [row["step"] for row in rows if row["index"] == 0] == [0, 1]
    assert settings == SETTINGS
