"""CoOp's list of a data set, from a file or fetched, as a split CSV."""

from pathlib import Path
from typing import Final

import httpx

from speciarl_pl.data.datasets.published import PUBLISHED
from speciarl_pl.data.reading.splits import count_splits, parse_coop, read_split
from speciarl_pl.errors import DataError

COOP_PAGE: Final = "https://github.com/KaiyangZhou/CoOp/blob/main/DATASETS.md"
"""Where CoOp says how to get its lists."""

_TIMEOUT_S: Final = 60.0


def build_split(key: str, file: str | None = None, url: str | None = None) -> dict[str, str]:
    """Read CoOp's list of a data set and count it.

    Args:
        key: Name of the data set.
        file: CoOp's JSON or a CSV, on disk; else it is fetched.
        url: Where to fetch the JSON; by default where CoOp publishes it.

    Returns:
        File as the list writes it -> split.

    Raises:
        ValueError: If CoOp has no list of this data set.
        DataError: If the list cannot be had or does not have the published numbers of images.
    """
    if key not in PUBLISHED or not PUBLISHED[key].coop:
        known = [one.key for one in PUBLISHED.values() if one.coop]
        raise ValueError(f"name: expected one of {', '.join(known)}, got {key!r}")
    source = file or url or PUBLISHED[key].coop_url
    splits = read_split(source) if file else parse_coop(fetch(source, key), source)
    found, expected = count_splits(splits), PUBLISHED[key].coop
    if found != expected:
        raise DataError(
            f"{source}: {_numbers(found)}; CoOp's split of {PUBLISHED[key].title} has"
            f" {_numbers(expected)}; fetch it again, see {COOP_PAGE}"
        )
    return splits


def fetch(url: str, key: str) -> bytes:
    """Fetch a list.

    Raises:
        DataError: If that fails, with the way to do it by hand.
    """
    try:
        reply = httpx.get(url, follow_redirects=True, timeout=_TIMEOUT_S)
        reply.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DataError(f"{url}: cannot be fetched ({error}); {_by_hand(key)}") from error
    if "html" in reply.headers.get("content-type", ""):
        raise DataError(f"{url}: a web page came, not a list; {_by_hand(key)}")
    return reply.content


def _by_hand(key: str) -> str:
    path = Path("DOWNLOADED.json")
    return (
        f"get CoOp's split_zhou_*.json by hand, see {COOP_PAGE}, then:"
        f" python -m speciarl_pl data splits {key} --from {path} --out FILE.csv"
    )


def _numbers(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {split}" for split, number in counts.items())
