from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """Gives a folder of real data beside the checkout, or skips."""

    def find(name: str) -> Path:
        if not (SHARED / name).exists():
            pytest.skip(f"no real data at {SHARED / name}")
        return SHARED / name

    return find


@pytest.fixture
def photo(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small real image file below tmp_path."""

    def write(name: str, size: tuple[int, int] = (8, 6), color: str = "red") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, color).save(path)
        return path

    return write


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a JPEG that is cut in the middle."""

    def write(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path, format="JPEG")
        path.write_bytes(path.read_bytes()[:1500])
        return path

    return write
