"""An archive unpacks into its folder, or not at all."""

import io
import os
import stat
import tarfile
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.datasets.archive import Limits, RefusedArchive, inner_path, is_archive, unpack
from analysis.errors import AnalysisError, Stopped


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def tarred(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for member, data in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return path


def special(kind, name="images/a.jpg", target="/etc/passwd"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def refused(archive, place, words, **limits):
    folder = place / "out"
    with pytest.raises(RefusedArchive, match=words) as error:
        unpack(archive, folder, Limits(**limits))
    assert error.value.message.endswith(".")
    assert not folder.exists(), "what was written before the refusal is gone"
    assert sorted(p.name for p in place.iterdir()) == [archive.name]


FILES = [("images/a.jpg", b"pixels"), ("labels/a.txt", b"0 0.5 0.5 1 1\n"), ("é/ü.txt", b"")]


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_it_unpacks_files_and_folders(place, mode):
    make = zipped if mode == "zip" else lambda path, members: tarred(path, members, mode)
    archive = make(place / "set.bin", FILES)
    shares = []
    unpack(archive, place / "out", on_progress=shares.append)
    files = (p for p in (place / "out").rglob("*") if p.is_file())
    found = {p.relative_to(place / "out").as_posix(): p.read_bytes() for p in files}
    assert found == dict(FILES)
    assert is_archive(archive)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_names_of_windows_and_what_systems_add_are_understood(place):
    members = [("images\\a.jpg", b"1"), ("__MACOSX/images/._a.jpg", b"2"), ("x/.DS_Store", b"3")]
    unpack(zipped(place / "set.zip", members), place / "out")
    assert [p.name for p in (place / "out").rglob("*") if p.is_file()] == ["a.jpg"]
    assert (place / "out" / "images" / "a.jpg").read_bytes() == b"1"


BAD_NAMES = ["../a.txt", "images/../../a.txt", "/etc/a.txt", "C:\\a.txt", "..\\a.txt", "a\x1f.txt"]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_name_that_leads_elsewhere_is_refused(place, make, name):
    archive = make(place / "set.bin", [("fine.txt", b"1"), (name, b"2")])
    refused(archive, place, "leads out|not a name inside|no file can be called")


@given(st.text(max_size=40))
def test_no_name_at_all_leads_out_of_the_folder(name):
    folder = Path("/somewhere/deep/inside")
    try:
        parts = inner_path(name)
    except AnalysisError:
        return
    assert Path(os.path.normpath(folder.joinpath(*parts))).is_relative_to(folder)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_in_a_tar_is_refused(place, kind):
    archive = tarred(place / "set.tar", [(special(kind), b"")])
    refused(archive, place, "“images/a.jpg” is a link. Put the file itself there.")


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_a_device_in_a_tar_is_refused(place, kind):
    refused(tarred(place / "set.tar", [(special(kind), b"")]), place, "is a device")


def test_writing_through_a_link_is_impossible(place):
    through = [(special(tarfile.SYMTYPE, "out", str(place)), b""), ("out/evil.txt", b"1")]
    refused(tarred(place / "set.tar", through), place, "is a link")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO])
def test_a_link_or_device_in_a_zip_is_refused(place, kind):
    info = zipfile.ZipInfo("a.jpg")
    info.external_attr = (kind | 0o777) << 16
    refused(zipped(place / "set.zip", [(info, b"/etc/passwd")]), place, "is a (link|device)")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_too_many_files_are_refused(place, make):
    archive = make(place / "set.bin", [(f"{n}.txt", b"") for n in range(30)])
    refused(archive, place, "more than 20 files", max_files=20)


@pytest.mark.parametrize("make", [zipped, tarred])
def test_too_many_bytes_are_refused(place, make):
    archive = make(place / "set.bin", [(f"{n}.bin", os.urandom(60_000)) for n in range(4)])
    refused(archive, place, "larger than 0.0002 GB", max_bytes=200_000)


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_bomb_is_refused(place, make):
    archive = make(place / "set.bin", [("a.bin", bytes(120 * 2**20))])
    assert archive.stat().st_size < 2**20
    refused(archive, place, "swells")


def test_a_directory_that_lies_about_sizes_is_found_out_while_writing(place):
    archive = zipped(place / "set.zip", [("a.bin", bytes(300_000))])
    data = bytearray(archive.read_bytes())
    size = data.rfind(b"PK\x01\x02") + 24
    data[size : size + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(data)
    refused(archive, place, "larger than|damaged", max_bytes=200_000)


@pytest.mark.parametrize("make", [zipped, tarred])
def test_two_files_of_one_name_are_refused(place, make):
    with pytest.warns(UserWarning, match="Duplicate name") if make is zipped else nullcontext():
        archive = make(place / "set.bin", [("a.txt", b"1"), ("a.txt", b"2")])
    refused(archive, place, "“a.txt” more than once")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_file_that_is_also_a_folder_is_refused(place, make):
    refused(make(place / "set.bin", [("a", b"1"), ("a/b", b"2")]), place, "more than once")


def test_a_locked_archive_is_refused(place):
    archive = zipped(place / "set.zip", [("a.txt", b"1")])
    data = bytearray(archive.read_bytes())
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    refused(archive, place, "password")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_damaged_archive_is_refused(place, make):
    archive = make(place / "set.bin", [("a.bin", os.urandom(200_000))])
    data = bytearray(archive.read_bytes())
    data[5_000:100_000] = bytes(95_000)
    archive.write_bytes(data)
    refused(archive, place, "damaged")


def test_what_is_no_archive_is_refused(place):
    path = place / "notes.zip"
    path.write_text("not an archive")
    refused(path, place, "neither a zip nor a tar")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_it_stops_when_it_is_told_to_and_leaves_nothing(place, make):
    archive = make(place / "set.bin", FILES)
    with pytest.raises(Stopped):
        unpack(archive, place / "out", should_stop=lambda: True)
    assert not (place / "out").exists()
