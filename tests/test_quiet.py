"""What is hidden from a user, and what is not."""

import logging
import warnings

import pytest

from speciarl_pl.system import quiet


@pytest.fixture
def commands_filters():
    """Filters of a command alone, and what passes them."""
    with warnings.catch_warnings(record=True) as passed:
        warnings.resetwarnings()
        quiet.quieten()
        yield passed


def warn_in(module, kind, message="is deprecated"):
    warnings.warn_explicit(message, kind, "x.py", 1, module=module)


@pytest.mark.parametrize("kind", [FutureWarning, DeprecationWarning, PendingDeprecationWarning])
@pytest.mark.parametrize("module", ["transformers.modeling_utils", "peft", "torch.nn.modules"])
def test_what_dependencies_say_to_each_other_is_hidden(module, kind, commands_filters):
    warn_in(module, kind)
    assert not commands_filters


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("speciarl_pl.module", FutureWarning),
        ("rewards", FutureWarning),  # a user's own file
        ("torchlike", FutureWarning),  # another package
        ("transformers.modeling_utils", UserWarning),
        ("torch.cuda", RuntimeWarning),
    ],
)
def test_what_concerns_a_user_is_shown(module, kind, commands_filters):
    warn_in(module, kind)
    assert len(commands_filters) == 1


@pytest.mark.parametrize(
    ("logger", "said", "passes"),
    [
        ("bitsandbytes.backends.cpu.ops", "Failed to load CPU gemm_4bit_forward from x", False),
        ("bitsandbytes.backends.cpu.ops", "Failed to load the library", True),
        ("lightning.pytorch.utilities.rank_zero", "TPU available: False, using: 0", False),
        ("lightning.pytorch.utilities.rank_zero", "TPU available: True, using: 8", True),
        ("lightning.pytorch.utilities.rank_zero", "GPU available: False, used: False", True),
    ],
)
def test_lines_that_serve_nobody_are_dropped_by_name(logger, said, passes, caplog):
    quiet.quieten()
    quiet.quieten()
    with caplog.at_level(logging.INFO, logger):
        logging.getLogger(logger).info(said)
    assert (said in caplog.text) == passes
    assert len(logging.getLogger(logger).filters) == 1


def test_bitsandbytes_writes_that_line_with_that_logger():
    ops = pytest.importorskip("bitsandbytes.backends.cpu.ops")
    assert ops.logger.name == "bitsandbytes.backends.cpu.ops"
    with open(ops.__file__) as file:
        assert "Failed to load CPU gemm_4bit_forward" in file.read()


# ------------------------------------------------------------- of the tests themselves


def dependency(name, source):
    scope = {"__name__": name, "warnings": warnings}
    exec(compile(source, f"/site-packages/{name}.py", "exec"), scope)
    return scope


def test_a_deprecated_call_of_ours_is_an_error_wherever_it_warns():
    inner = dependency("transformers.x", "def old(): warnings.warn('old', FutureWarning)")
    with pytest.raises(FutureWarning, match="old"):
        inner["old"]()


def test_a_deprecated_call_of_a_dependency_is_none():
    inner = dependency("transformers.x", "def old(): warnings.warn('old', FutureWarning)")
    outer = dependency("peft.x", "def call(old): return old()")
    outer["call"](inner["old"])


def test_one_of_a_package_unheard_of_is_an_error():
    inner = dependency("unheard_of.x", "def old(): warnings.warn('old', FutureWarning)")
    outer = dependency("unheard_of_too.x", "def call(old): return old()")
    with pytest.raises(FutureWarning, match="old"):
        outer["call"](inner["old"])
