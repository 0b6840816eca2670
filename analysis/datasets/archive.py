"""Archives from strangers, unpacked into one folder and nowhere else.

Refused, in a sentence and with nothing left behind: names that lead out of the folder, links and
devices, more files or bytes than any dataset has, and files that swell beyond reason. A zip is
judged by its directory before a byte is written; a tar has none and is judged as it comes; and
what is written is counted in both, because a directory can lie.
"""

from __future__ import annotations

import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from analysis.errors import AnalysisError, Stopped

_BLOCK = 2**20
_SWELL_FROM = 100 * 2**20  # below this nothing is called a bomb
_NAME_BYTES = 255
_SKIPPED = ("__MACOSX", ".DS_Store", "Thumbs.db")


class RefusedArchive(AnalysisError):
    """An archive that is not safe to unpack, or is damaged."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold."""

    max_files: int = 1_000_000
    max_bytes: int = 10 * 10**9
    max_swelling: float = 200.0  # bytes unpacked for each byte packed, from 100 MB on


def is_archive(path: Path) -> bool:
    """Whether the file is a zip or a tar, by its content."""
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def unpack(
    archive: Path,
    folder: Path,
    limits: Limits = Limits(),
    *,
    on_progress: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Unpack a zip or tar into `folder`, which must not exist.

    Raises RefusedArchive, and Stopped when `should_stop()` says so; then `folder` is gone again.
    """
    if folder.exists():
        raise FileExistsError(folder)
    folder.mkdir(parents=True)
    writing = _Writing(archive, folder, limits, on_progress, should_stop)
    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, writing)
        elif tarfile.is_tarfile(archive):
            _unpack_tar(archive, writing)
        else:
            raise RefusedArchive(f"{archive.name} is neither a zip nor a tar archive.")
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError) as e:
        shutil.rmtree(folder, ignore_errors=True)
        raise RefusedArchive(
            f"The archive is damaged, or packed in a way we cannot read ({e})."
        ) from e
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


class _Writing:
    """Files on their way into the folder, counted."""

    def __init__(
        self,
        archive: Path,
        folder: Path,
        limits: Limits,
        on_progress: Callable[[float], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.folder, self.limits = folder, limits
        self.packed = max(archive.stat().st_size, 1)
        self.on_progress, self.should_stop = on_progress, should_stop
        self.n_files = self.n_bytes = 0

    def count_file(self) -> None:
        self.n_files += 1
        if self.n_files > self.limits.max_files:
            raise RefusedArchive(f"The archive holds more than {self.limits.max_files:,} files.")

    def count_bytes(self, n: int) -> None:
        self.n_bytes += n
        if self.n_bytes > self.limits.max_bytes:
            size = f"{self.limits.max_bytes / 1e9:g} GB"
            raise RefusedArchive(f"Unpacked, the archive is larger than {size}.")
        swelling = self.n_bytes / self.packed
        if self.n_bytes > _SWELL_FROM and swelling > self.limits.max_swelling:
            raise RefusedArchive(
                f"The archive swells to more than {self.limits.max_swelling:g} times its size; "
                "no pictures do that."
            )

    def target(self, name: str) -> Path | None:
        """Where a member goes; None for what systems add by themselves."""
        parts = inner_path(name)
        if parts and (parts[0] in _SKIPPED or parts[-1] in _SKIPPED or parts[-1].startswith("._")):
            return None
        return self.folder.joinpath(*parts)

    def write(self, target: Path, name: str, source: IO[bytes]) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                while block := source.read(_BLOCK):
                    if self.should_stop():
                        raise Stopped
                    self.count_bytes(len(block))
                    file.write(block)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise RefusedArchive(f"The archive holds {_shown(name)} more than once.") from error


def inner_path(name: str) -> tuple[str, ...]:
    """The parts of a member's name. Raises RefusedArchive where it leads anywhere but inside."""
    plain = name.replace("\\", "/")
    if plain.startswith("/") or (len(plain) > 1 and plain[1] == ":"):
        raise RefusedArchive(f"The archive holds {_shown(name)}, which is not a name inside of it.")
    parts = tuple(part for part in plain.split("/") if part not in ("", "."))
    if ".." in parts:
        raise RefusedArchive(f"The archive holds {_shown(name)}, which leads out of it.")
    for part in parts:
        if len(part.encode("utf-8", "replace")) > _NAME_BYTES:
            raise RefusedArchive(f"The archive holds {_shown(name)}, whose name is too long.")
        if any(unicodedata.category(c) in ("Cc", "Cs") for c in part):
            raise RefusedArchive(f"The archive holds {_shown(name)}, which no file can be called.")
    return parts


def _shown(name: str) -> str:
    """A member's name, fit to be read in a sentence."""
    plain = "".join(c if c.isprintable() else "?" for c in name)
    return f"“{plain if len(plain) <= 80 else plain[:79] + '…'}”"


# --- zip ----------------------------------------------------------------------------------

_END = b"PK\x05\x06"  # end of central directory
_ENTRY_BYTES = 46 + _NAME_BYTES * 4  # of the directory, generously, for one file


def _unpack_zip(archive: Path, writing: _Writing) -> None:
    _judge_directory(archive, writing.limits)
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        if sum(member.file_size for member in members) > writing.limits.max_bytes:
            writing.count_bytes(writing.limits.max_bytes + 1)
        for member in members:
            _judge(member)
            writing.count_file()
            inner_path(member.filename)
        for number, member in enumerate(members):
            target = writing.target(member.filename)
            if target is None:
                continue
            if member.is_dir():
                _make_folder(target, member.filename)
                continue
            with opened.open(member) as source:
                writing.write(target, member.filename, source)
            writing.on_progress((number + 1) / len(members))


def _judge_directory(archive: Path, limits: Limits) -> None:
    """Refuse a directory that is itself too large to be read into memory."""
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - 2**16 - 22))
        tail = file.read()
    end = tail.rfind(_END)
    n_bytes = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if n_bytes != 0xFFFFFFFF and n_bytes > limits.max_files * _ENTRY_BYTES:
        raise RefusedArchive(f"The archive holds more than {limits.max_files:,} files.")
    if n_bytes == 0xFFFFFFFF and archive.stat().st_size > 2 * limits.max_bytes:
        raise RefusedArchive("The archive is too large.")


def _judge(member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 1:
        raise RefusedArchive("The archive is locked with a password. Send it without one.")
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise RefusedArchive(f"{_shown(member.filename)} is a link. Put the file itself there.")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise RefusedArchive(f"{_shown(member.filename)} is a device, not a file.")


def _make_folder(target: Path, name: str) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise RefusedArchive(f"The archive holds {_shown(name)} more than once.") from error


# --- tar ----------------------------------------------------------------------------------


def _unpack_tar(archive: Path, writing: _Writing) -> None:
    """One pass over the stream: a tar knows what it holds only when it has been read."""
    with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as opened:
        for member in opened:
            writing.count_file()
            _judge_tar(member)
            if writing.should_stop():
                raise Stopped
            if member.size > writing.limits.max_bytes:
                writing.count_bytes(member.size)
            target = writing.target(member.name)
            if target is None:
                continue
            if member.isdir():
                _make_folder(target, member.name)
            elif (source := opened.extractfile(member)) is not None:
                writing.write(target, member.name, source)
            opened.members = []  # type: ignore[attr-defined]  # or a million names stay in memory
            writing.on_progress(min(file.tell() / writing.packed, 1.0))


def _judge_tar(member: tarfile.TarInfo) -> None:
    if member.issym() or member.islnk():
        raise RefusedArchive(f"{_shown(member.name)} is a link. Put the file itself there.")
    if not (member.isreg() or member.isdir()):
        raise RefusedArchive(f"{_shown(member.name)} is a device, not a file.")
    if member.issparse():
        raise RefusedArchive(f"{_shown(member.name)} is a file with holes. Pack it plainly.")
