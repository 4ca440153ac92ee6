"""Tables of rollouts as TensorBoard keeps them."""

import pytest
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from speciarl_pl.run.logged_tables import SIDE, log_table, small, table_row


def row(picture, **changes):
    fields = {
        "truth": "rose",
        "answer": "a | b",
        "verdict": "wrong",
        "reward": 0.25,
        "text": "<think>\nx</think>",
        "dataset": "flowers",
        "sample_id": "1.jpg",
    }
    return table_row(picture, fields | changes)


def test_tensorboard_gets_each_picture_once_and_a_table_that_is_text(tmp_path):
    red, blue = (small(Image.new("RGB", (400, 300), color)) for color in ("red", "blue"))
    rows = [row(red), row(red, answer=None, verdict="unparsed", reward=None), row(blue)]
    logger = TensorBoardLogger(tmp_path, name="", version="")
    assert log_table(logger, "train/rollouts", rows, 7)
    logger.finalize("success")
    events = EventAccumulator(str(tmp_path), size_guidance={"images": 0, "tensors": 0})
    events.Reload()
    (sheet,) = events.Images("train/rollouts/images")
    assert (sheet.width, sheet.height, sheet.step) == (2 * SIDE, SIDE, 7)
    (text,) = events.Tensors("train/rollouts/text_summary")
    lines = text.tensor_proto.string_val[0].decode().splitlines()
    assert lines[0] == "| image | truth | answer | verdict | reward | text | data set | id |"
    head = "| 1 | rose | a &#124; b | wrong | 0.25 | &lt;think&gt; x&lt;/think&gt; | "
    assert lines[2] == head + "flowers | 1.jpg |"
    assert lines[3].startswith("| 1 | rose |  | unparsed |  | ")
    assert lines[4].startswith("| 2 | rose | ")


def test_a_logger_without_tables_is_left_alone(tmp_path):
    picture = small(Image.new("RGB", (8, 8)))
    assert not log_table(CSVLogger(tmp_path), "train/rollouts", [row(picture)], 0)


def test_long_texts_are_cut():
    assert len(row(Image.new("RGB", (8, 8)), text="x" * 5000).text) < 700


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_pictures_of_any_mode(mode):
    assert small(Image.new(mode, (300, 200))).mode == "RGB"
