"""`python -m speciarl_pl data ...`, in this process; lists are fetched from a server of our own."""

import json
import shlex
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from data.datasets.miniatures import build
from service_tools import serving

from speciarl_pl.__main__ import main
from speciarl_pl.data.datasets import FGVCAircraft
from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.reading.splits import count_splits, read_split


def coop(name):
    """CoOp's JSON in full size, of made-up files."""
    return {
        split: [[f"{split}_{at}.jpg", 0, "a"] for at in range(count)]
        for split, count in PUBLISHED[name].coop.items()
    }


class Pages(BaseHTTPRequestHandler):
    """Serves a list, a web page in its place, and a way from one to the other."""

    def do_GET(self):
        kinds = {"/split.json": "application/json", "/page": "text/html; charset=utf-8"}
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/split.json")
            self.end_headers()
            return
        self.send_response(200 if self.path in kinds else 404)
        self.send_header("Content-Type", kinds.get(self.path, "text/plain"))
        self.end_headers()
        if self.path == "/split.json":
            self.wfile.write(json.dumps(coop("flowers102")).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with serving(HTTPServer(("127.0.0.1", 0), Pages)) as url:
        yield url


def test_list(capsys):
    assert main(["data", "list"]) == 0
    said = capsys.readouterr().out
    for published in PUBLISHED.values():
        for word in (published.key, published.source, published.page, f"{published.test:,}"):
            assert word in said


def test_check_of_a_miniature(tmp_path, capsys):
    build("cub", tmp_path)
    assert main(["data", "check", "cub", "--root", str(tmp_path), "--read"]) == 1
    said = capsys.readouterr().out
    assert "CUB-200-2011 in" in said
    assert "problem: split test: 3 listed, 3 there, 5,794 published" in said


def test_check_is_content_with_what_agrees(tmp_path, capsys, monkeypatch):
    root = build("oxford_pets", tmp_path)
    small = replace(PUBLISHED["oxford_pets"], classes=3, images={"trainval": 2, "test": 3})
    monkeypatch.setitem(PUBLISHED, "oxford_pets", small)
    assert main(["data", "check", "oxford_pets", "--root", str(root), "--read"]) == 0
    assert "all agrees with what is published" in capsys.readouterr().out


def test_check_of_one_split_by_a_list_and_of_a_level(tmp_path, capsys):
    build("food101", tmp_path)
    path = tmp_path / "coop.csv"
    path.write_text("split,filename\nval,apple_pie/1005649.jpg\n")
    options = ["--root", str(tmp_path), "--split-file", str(path), "--split", "val"]
    assert main(["data", "check", "food101", *options]) == 1
    assert "split val: 1 listed, 1 there, 20,200 published" in capsys.readouterr().out
    build("fgvc_aircraft", tmp_path / "planes")
    options = ["--root", str(tmp_path / "planes"), "--level", "manufacturer"]
    assert main(["data", "check", "fgvc_aircraft", *options]) == 1
    assert "classes: 3 listed, 3 there, 30 published" in capsys.readouterr().out


def test_the_help_of_an_error_is_a_command_that_runs(tmp_path, capsys):
    folder = tmp_path / "my planes"
    build("fgvc_aircraft", folder)
    source = FGVCAircraft(str(folder), level="family")
    assert main(shlex.split(source.help)[3:]) == 1
    assert "70 published" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["check", "cub", "--root", "gone"], 1, "error: gone: no such folder; expected CUB-200"),
        (["check", "birds", "--root", "gone"], 2, "name: expected one of cub"),
        (["check", "cub"], 2, "root"),
        (["splits", "cub", "--out", "x.csv"], 2, "name: expected one of flowers102"),
        (["splits", "food101", "--out", "x.csv", "--from", "gone.json"], 1, "gone.json: no such"),
        (["splits", "food101", "--out", "x.csv", "--url", "a", "--from", "b"], 2, "url: expected"),
        (["splits", "food101", "--out", "x.csv", "--url", "x"], 1, "error: x: cannot be fetched"),
    ],
)
def test_errors_are_a_line(arguments, code, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["data", *arguments]) == code
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_splits_from_a_file(tmp_path, capsys):
    (tmp_path / "coop.json").write_text(json.dumps(coop("oxford_pets")))
    out = tmp_path / "pets.csv"
    arguments = ["--from", str(tmp_path / "coop.json"), "--out", str(out)]
    assert main(["data", "splits", "oxford_pets", *arguments]) == 0
    assert "2,944 train, 736 val, 3,669 test" in capsys.readouterr().out
    assert count_splits(read_split(out)) == PUBLISHED["oxford_pets"].coop


@pytest.mark.parametrize("page", ["split.json", "moved"])
def test_splits_fetched(server, page, tmp_path, capsys):
    out = tmp_path / "flowers.csv"
    arguments = ["--url", f"{server}/{page}", "--out", str(out)]
    assert main(["data", "splits", "flowers102", *arguments]) == 0
    assert count_splits(read_split(out)) == PUBLISHED["flowers102"].coop
    assert str(out) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("page", "name", "message"),
    [
        ("gone", "flowers102", "cannot be fetched"),
        ("page", "flowers102", "a web page came, not a list; get CoOp's"),
        ("split.json", "food101", "4,093 train, 1,633 val, 2,463 test; CoOp's split of Food-101"),
    ],
)
def test_a_list_that_is_none_is_not_written(server, page, name, message, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert main(["data", "splits", name, "--url", f"{server}/{page}", "--out", str(out)]) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()
