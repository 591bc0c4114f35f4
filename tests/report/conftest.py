"""Pages, and a browser to open them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anndata as ad
import pytest
from tests._results import blobs, store_result

import scgce

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def explained() -> ad.AnnData:
    """Four groups × 30 genes with a stored result."""
    return store_result(blobs())


@pytest.fixture
def write_page(tmp_path: Path) -> Callable[..., Path]:
    """Write a page and say where."""

    def write(adata: ad.AnnData, **options: Any) -> Path:
        path = tmp_path / "page.html"
        scgce.report(adata, path, **options)
        return path

    return write


@pytest.fixture(scope="session")
def _driver() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("there is no Chromium with its driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1300,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    session = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver, log_output=os.devnull))
    yield session
    session.quit()


@pytest.fixture
def visit(_driver: Any) -> Callable[[Path], Any]:
    """Open a page; the test fails if it logs anything."""

    def open_page(path: Path) -> Any:
        _driver.get_log("browser")
        _driver.get(path.as_uri())
        assert _driver.get_log("browser") == []
        return _driver

    return open_page
