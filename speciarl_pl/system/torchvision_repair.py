"""Makes a torchvision importable whose compiled part does not fit the installed torch.

A torch built for CPUs beside a torchvision built for CUDA fails at `import torchvision` with
"operator torchvision::nms does not exist", and takes lightning, transformers and vLLM along.
Declaring the two operators beforehand is enough for torchvision's transforms, which are plain
PyTorch. vLLM imports models in child processes, so the declaration has to happen in every Python
process of the environment: `doctor --repair` writes a `.pth` file that runs this module at start.
"""

import importlib
import importlib.util
import sys
import sysconfig
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, Final

_OPERATORS: Final = ("nms", "qnms")
_SCHEMA: Final = "{}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

NEED_TORCHVISION: Final = {
    "smolvlm": "SmolVLM2",
    "llava_onevision": "LLaVA-OneVision",
    "internvl": "InternVL",
    "mistral3": "Mistral 3",
}
"""Families whose processor in transformers needs torchvision, by type of model."""

_START_LINE: Final = (
    "import importlib.util as u; u.find_spec('speciarl_pl') and "
    "__import__('speciarl_pl.system.torchvision_repair').system.torchvision_repair.watch()\n"
)

_declared: Any = None
"""The library that holds the operators; they go when it does."""


class _BeforeTorchvision(MetaPathFinder):
    """Finds nothing, but is asked before torchvision is imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Declare the operators if torchvision is about to be imported and lacks them."""
        if name == "torchvision":
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.origin is not None:
                _declare_what_is_missing(Path(spec.origin).parent)


def watch() -> None:
    """Be there when torchvision is imported; costs nothing before.

    Python may read a start file twice (`lib64` of a virtual environment is a link to `lib`).
    """
    if not any(isinstance(finder, _BeforeTorchvision) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BeforeTorchvision())


def start_file() -> Path:
    """The file of this environment that makes every Python process watch."""
    return Path(sysconfig.get_path("purelib"), "speciarl_torchvision.pth")


def write_start_file() -> Path:
    """Write that file."""
    file = start_file()
    file.write_text(_START_LINE, encoding="utf-8")
    return file


def _declare_what_is_missing(torchvision: Path) -> None:
    global _declared
    torch: Any = importlib.import_module("torch")
    try:
        for library in torchvision.glob("_C*.so"):
            torch.ops.load_library(str(library))
    except OSError:
        _declared = torch.library.Library("torchvision", "DEF")
        for operator in _OPERATORS:
            _declared.define(_SCHEMA.format(operator))
