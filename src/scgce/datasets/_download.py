"""Fetching a public file: cached by pooch, resumed where it broke off, and clear when there is no network."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pooch  # type: ignore[import-untyped]
from tqdm import tqdm

_CHUNK = 1 << 18


def fetch(url: str, file: str, cache: str | Path | None = None, known_hash: str | None = None) -> Path:
    """Path of *file*, downloaded from *url* unless it is in the cache.

    Parameters
    ----------
    url
        Address of the file.
    file
        Name in the cache.
    cache
        Folder; by default the user's cache folder for scgce, or ``$SCGCE_DATA_DIR``.
    known_hash
        ``"algorithm:digest"`` if it is known. Without one, completeness is judged by the length that the server
        announces.

    Raises
    ------
    ConnectionError
        If the file is not cached and cannot be fetched. What has arrived is kept and continued next time. The message
        says where to put a copy obtained otherwise.
    ValueError
        If the file does not have the known checksum.
    """
    folder = pooch.os_cache("scgce") if cache is None else Path(cache).expanduser()
    env = "SCGCE_DATA_DIR" if cache is None else None
    manager = pooch.create(path=folder, base_url="", registry={file: known_hash}, urls={file: url}, env=env)
    target = Path(manager.abspath) / file
    downloader = Resumable(target.with_name(f"{file}.part"))
    try:
        return Path(manager.fetch(file, downloader=downloader))
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ConnectionError(
            f"cannot fetch {url}: {reason}. Try again when the network is there (a partial download is continued), "
            f"or put the file at {target} yourself."
        ) from error


class Resumable:
    """A pooch downloader that keeps what has arrived in *part* and asks for the rest only.

    Parameters
    ----------
    part
        File that holds the bytes received so far.
    attempts
        How often a broken connection is taken up again before giving up.
    timeout
        Seconds without a byte after which a connection counts as broken.
    """

    def __init__(self, part: Path, attempts: int = 4, timeout: float = 60.0) -> None:
        self.part = part
        self.attempts = attempts
        self.timeout = timeout

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> bool | None:
        """Write *url* to *output_file*; with *check_only* say whether it answers."""
        if check_only:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=self.timeout):
                return True
        for attempt in range(self.attempts):
            try:
                self._receive(url)
                break
            except urllib.error.HTTPError as error:
                # 416: the part does not belong to this file. Anything else will not change by asking again.
                if error.code != 416:
                    raise
                self.part.unlink(missing_ok=True)
            except OSError:
                if attempt == self.attempts - 1:
                    raise
        shutil.move(self.part, output_file)
        return None

    def _receive(self, url: str) -> None:
        """One connection: append to the part, or start over if the server sends everything again."""
        have = self.part.stat().st_size if self.part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        with urllib.request.urlopen(request, timeout=self.timeout) as answer:
            resumed = answer.status == 206
            length = answer.headers.get("Content-Length")
            start = have if resumed else 0
            total = start + int(length) if length else None
            bar = tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=self.part.stem, disable=None)
            with self.part.open("ab" if resumed else "wb") as stream, bar:
                while chunk := answer.read(_CHUNK):
                    stream.write(chunk)
                    bar.update(len(chunk))
        size = self.part.stat().st_size
        if total is not None and size != total:
            raise ConnectionResetError(f"{size} of {total} bytes arrived")
