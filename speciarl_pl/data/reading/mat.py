"""Reading MATLAB files of an archive."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.io import loadmat  # type: ignore[attr-defined]

from speciarl_pl.data.reading.listing import require_file
from speciarl_pl.errors import DataError


def read_mat(path: Path, arrays: Sequence[str], expected: str) -> dict[str, Any]:
    """Read a `.mat` file.

    Args:
        path: The file.
        arrays: Names of arrays that it must hold.
        expected: What it should be, for the message.

    Returns:
        Name -> array, dimensions of length 1 taken away.

    Raises:
        DataError: If it is missing, damaged or without one of the arrays.
    """
    require_file(path, expected)
    try:
        content: dict[str, Any] = loadmat(path, squeeze_me=True)  # type: ignore[no-untyped-call]
    except Exception as error:  # scipy raises almost anything on a damaged file
        raise DataError(f"{path}: not a readable .mat file ({error}); fetch it again") from error
    for array in arrays:
        if array not in content:
            raise DataError(f"{path}: no array {array!r} in it; fetch it again")
    return content
