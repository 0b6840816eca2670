"""A model into a folder: whole and checked under its name, or not there at all.

What arrives is written to NAME.part, which stays where the connection breaks or the process is
killed: the next call asks the server for the rest of it (HTTP Range). Only what has the right
SHA-256 gets its name, by a rename.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

from analysis.errors import AnalysisError
from analysis.weights.catalogue import PublishedModel

PART = ".part"
_BLOCK = 256 << 10
_SILENCE_S = 30.0  # of a server, before the connection counts as broken
_TRIES = 5  # in a row in which nothing came
_MOST = 16 << 30  # bytes of a file
_SPARE = 64 << 20  # bytes of the disk that are left to others
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Progress = Callable[[int, int], None]  # bytes there, bytes in all or 0


class Unreachable(AnalysisError):
    """The file could not be had from where it lies. What there is of it is kept."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where it is. `n_bytes`: that came now; 0 where it was there already."""

    path: Path
    n_bytes: int


class _Broken(Exception):
    """The connection broke, or the server had no time. It may go on."""


def fetch(
    model: PublishedModel,
    folder: Path,
    source: str = "",
    *,
    progress: Progress = lambda done, total: None,
    pause_s: float = 1.0,
) -> Fetched:
    """Bring a model into a folder, or find that it is there.

    source: where files lie under their own names, an http address or a folder; "" is where the
    model is published. pause_s: after a try in which nothing came, doubled with each. Raises
    AnalysisError, Unreachable; what came until then is kept for the next call.
    """
    path = folder / model.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            return _there_already(model, path)
        with _alone(path.with_name(path.name + PART)) as part:
            if path.exists():  # another one was a moment faster
                return _there_already(model, path)
            had = part.seek(0, os.SEEK_END)
            _complete(model, part, source, progress, pause_s)
            os.fsync(part.fileno())
            os.replace(part.name, path)
            _keep_the_name(folder)
            return Fetched(path, max(path.stat().st_size - had, 1))
    except OSError as e:
        raise _cannot_write(folder, e) from e


def is_whole(model: PublishedModel, path: Path) -> bool:
    """Whether a file is the model, by its SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def _there_already(model: PublishedModel, path: Path) -> Fetched:
    if is_whole(model, path):
        return Fetched(path, 0)
    raise AnalysisError(
        f"{path} is there and is not the published {model.name}: its SHA-256 is another one than "
        f"{model.sha256}. It is cut off, or another version. Delete or rename it, then fetch again."
    )


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[IO[bytes]]:
    """The file that is being completed, for this process only. An empty one is not left behind."""
    with part.open("a+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise AnalysisError(
                f"{part.stem} is being fetched by another process just now. Wait for it.",
                permanent=False,
            ) from e
        try:
            yield file
        finally:
            with contextlib.suppress(OSError):
                if part.exists() and not part.stat().st_size:
                    part.unlink()


def _complete(
    model: PublishedModel, part: IO[bytes], source: str, progress: Progress, pause_s: float
) -> None:
    """Until the file is whole. What an earlier call left may be of no use: then once from the
    beginning."""
    was_there = part.seek(0, os.SEEK_END) > 0
    is_page = _receive(model, part, source, progress, pause_s)
    if _is_right(model, part):
        return
    if was_there:
        part.truncate(0)
        is_page = _receive(model, part, source, progress, pause_s)
        if _is_right(model, part):
            return
    n_bytes = part.seek(0, os.SEEK_END)
    digest = _digest(part)
    part.truncate(0)
    hint = " It is a web page: a proxy or a sign-in page may have answered." if is_page else ""
    raise AnalysisError(
        f"What came from {_place(model, source)} is not {model.name}: its SHA-256 is "
        f"{digest[:12]}… ({n_bytes} bytes), and should be {model.sha256[:12]}….{hint} Nothing of "
        "it was kept. Try again, or take it from another place with --from."
    )


def _receive(
    model: PublishedModel, part: IO[bytes], source: str, progress: Progress, pause_s: float
) -> bool:
    """All that the source has, added to what is there. Returns whether it is a web page."""
    if source and "://" not in source:
        return _copy(model, part, Path(source).expanduser(), progress)
    address, fails = _place(model, source), 0
    while True:
        before = part.seek(0, os.SEEK_END)
        try:
            return _go_on(address, part, progress)
        except _Broken as e:
            grown = part.seek(0, os.SEEK_END) > before
            fails = 0 if grown else fails + 1
            if fails >= _TRIES or (not before and not grown and fails > 1):
                raise _unreachable(model, part, address, e) from e
            if fails:
                time.sleep(pause_s * 2 ** (fails - 1))
        except Unreachable as e:
            raise _unreachable(model, part, address, e) from e


def _go_on(address: str, part: IO[bytes], progress: Progress) -> bool:
    """One answer of the server, from where the file ends. Raises _Broken, Unreachable,
    AnalysisError."""
    have = part.seek(0, os.SEEK_END)
    try:
        with _asked(address, have) as answer:
            start, total = _extent(answer, have)
            if start != have:  # it gives the whole, or another part than was asked for
                part.truncate(0)
                have = 0
            _refuse_too_large(part, total - have)
            _write(answer, part, have, total, progress)
            return (answer.headers.get_content_type() or "").startswith("text/html")
    except (ValueError, http.client.InvalidURL) as e:
        raise AnalysisError(f"{address} is no address: {e}.") from e
    except urllib.error.HTTPError as e:
        if e.code == 416 and have:  # all of it is there, or more than there is
            return False
        if e.code in _BUSY:
            raise _Broken(f"it answered {e.code} {e.reason}") from e
        raise Unreachable(f"it answered {e.code} {e.reason}", permanent=False) from e
    except urllib.error.URLError as e:
        raise Unreachable(_words(e.reason), permanent=False) from e
    except (http.client.HTTPException, ConnectionError, TimeoutError) as e:
        raise _Broken(_words(e)) from e


def _asked(address: str, have: int) -> Any:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it has to be http:// or https:// with a host, or a folder")
    headers = {"User-Agent": "sightline-fetch", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - see above
    return urllib.request.urlopen(request, timeout=_SILENCE_S)  # noqa: S310


def _extent(answer: Any, have: int) -> tuple[int, int]:
    """Where the answer begins, and how large the whole file is: 0 where it does not say."""
    if answer.status == 206 and (said := _RANGE.match(answer.headers.get("Content-Range", ""))):
        return int(said[1]), 0 if said[2] == "*" else int(said[2])
    if answer.status == 206:
        return have, 0
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else 0


def _write(answer: Any, part: IO[bytes], have: int, total: int, progress: Progress) -> None:
    progress(have, total)
    while True:
        try:
            # raises nothing where the connection ends early: what is missing is counted below
            block = answer.read1(_BLOCK)
        except OSError as e:
            raise _Broken(_words(e)) from e
        if not block:
            break
        _put(part, block)
        have += len(block)
        progress(have, total)
        if have > _MOST:
            raise Unreachable(f"it sends more than {_MOST / 1e9:.0f} GB", permanent=False)
    if have < total:
        raise _Broken(f"the connection ended after {have} of {total} bytes")


def _copy(model: PublishedModel, part: IO[bytes], folder: Path, progress: Progress) -> bool:
    """From a folder, such as a disk that was brought along. Nothing is gone on with: it is fast."""
    place = folder / model.file
    try:
        file = place.open("rb")
    except OSError as e:
        raise Unreachable(
            f"{place} cannot be read: {e.strerror}. Put {model.file} there, or leave --from out.",
            permanent=False,
        ) from e
    with file:
        total, have = os.fstat(file.fileno()).st_size, 0
        part.truncate(0)
        _refuse_too_large(part, total)
        while block := file.read(_BLOCK):
            _put(part, block)
            have += len(block)
            progress(have, total)
    return False


def _put(part: IO[bytes], block: bytes) -> None:
    """All of it: a disk that is nearly full takes a part first, and says so at the next."""
    left = memoryview(block)
    while left:
        left = left[part.write(left) :]


def _refuse_too_large(part: IO[bytes], n_bytes: int) -> None:
    folder = Path(part.name).parent
    free = shutil.disk_usage(folder).free - _SPARE
    if n_bytes > free:
        raise AnalysisError(
            f"{n_bytes / 1e6:,.0f} MB are still to come, and {folder} has "
            f"{max(free, 0) / 1e6:,.0f} MB free. Make room there, or set "
            "SIGHTLINE_WEIGHTS to a folder on another disk.",
            permanent=False,
        )


def _is_right(model: PublishedModel, part: IO[bytes]) -> bool:
    return _digest(part) == model.sha256


def _digest(part: IO[bytes]) -> str:
    with open(part.name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep_the_name(folder: Path) -> None:
    """The rename outlives a power cut, where the system can promise it."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _place(model: PublishedModel, source: str) -> str:
    return f"{source.rstrip('/')}/{quote(model.file)}" if source else model.address


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "it did not answer in time"
    said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return str(said)


def _unreachable(
    model: PublishedModel, part: IO[bytes], address: str, reason: Exception
) -> Unreachable:
    have, folder = part.seek(0, os.SEEK_END), Path(part.name).parent
    kept = f" {have / 1e6:.1f} MB are there: the next try goes on from them." if have else ""
    return Unreachable(
        f"{model.name} could not be had from {address}: {reason}.{kept} By hand: put the file "
        f"{model.file} (SHA-256 {model.sha256}) into {folder} and run this again: it is checked "
        "and taken. Another place to fetch from is given with --from ADDRESS, or --from FOLDER.",
        permanent=False,
    )


def _cannot_write(folder: Path, error: OSError) -> AnalysisError:
    if error.errno in _FULL:
        return AnalysisError(
            f"The disk of {folder} is full, or what one may store there is used up. What came is "
            "kept: make room and run this again, it goes on from there.",
            permanent=False,
        )
    return AnalysisError(
        f"{error.filename or folder} cannot be written: {_words(error)}. Models go into "
        f"{folder}; SIGHTLINE_WEIGHTS names another folder.",
        permanent=False,
    )
