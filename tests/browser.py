"""Chromium without a window, for tests of pages; `python tests/browser.py` says where it is."""

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium: run `make browser`, or name one in the environment variable CHROMIUM"


def find(playwright):
    """Path of a Chromium: the one that $CHROMIUM names, one on the path, or playwright's own."""
    if named := os.environ.get("CHROMIUM"):
        return named
    found = next(filter(None, map(shutil.which, NAMES)), playwright.chromium.executable_path)
    return found if Path(found).exists() else None


def launch(playwright):
    """Start the browser.

    Raises:
        FileNotFoundError: If there is none.
        Error: If it does not start.
    """
    path = find(playwright)
    if path is None:
        raise FileNotFoundError("none found")
    return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))


@contextmanager
def chromium():
    """A running browser; without one the test is skipped, but fails on CI."""
    import pytest

    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except (FileNotFoundError, Error) as error:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{MISSING} ({error})")
        with browser:
            yield browser


class Visit:
    """A page that was opened from a file, with all that it said and asked for."""

    def __init__(self, browser, path, width=1280, height=900, scheme="light"):
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
        )
        self.page = self.context.new_page()
        self.said, self.requests = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.context.close()

    @property
    def fetched(self):
        """What was asked for besides data that the page holds itself."""
        return [url for url in self.requests if not url.startswith(("data:", "blob:"))]

    def overflow(self):
        """By how many pixels the page is wider than its window."""
        return self.page.evaluate("document.scrollingElement.scrollWidth - innerWidth")

    def saved(self, selector):
        """Text of the file that a click saves."""
        with self.page.expect_download() as download:
            self.page.click(selector)
        return Path(download.value.path()).read_text(encoding="utf-8")


if __name__ == "__main__":
    try:
        with sync_playwright() as started, launch(started):
            print(find(started))
    except (FileNotFoundError, Error) as problem:
        sys.exit(f"{MISSING} ({problem})")
