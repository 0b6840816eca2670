"""What XISF files say of their bytes is believed."""

from __future__ import annotations

import numpy as np
import pytest

xisf = pytest.importorskip("xisf", reason="requirements-sky.txt is not installed")

from analysis.sky.xisf_file import xisf_picture  # noqa: E402


def other_order(data: bytes, dtype: str, sample_format: str) -> bytes:
    """The same picture with the most significant byte first, as the format allows."""
    length = int.from_bytes(data[8:12], "little")
    said = f'sampleFormat="{sample_format}"'.encode()
    header = data[16 : 16 + length].replace(said, said + b' byteOrder="big"')
    place = header.index(b"attachment:") + len(b"attachment:")
    at, size = (int(n) for n in header[place : header.index(b'"', place)].split(b":"))
    block = np.frombuffer(data[at : at + size], dtype).byteswap().tobytes()
    start = data[:8] + len(header).to_bytes(4, "little") + data[12:16] + header
    return start.ljust(at, b"\0") + block


@pytest.mark.parametrize(
    ("dtype", "sample_format"), [("<u2", "UInt16"), ("<f4", "Float32"), ("<f8", "Float64")]
)
def test_both_orders_of_bytes_are_the_same_picture(tmp_path, dtype, sample_format):
    pixels = (np.arange(12).reshape(3, 4) * 300).astype(dtype)
    path = tmp_path / "night.xisf"
    xisf.XISF.write(str(path), pixels[..., None])
    np.testing.assert_array_equal(xisf_picture(path).pixels, pixels)
    path.write_bytes(other_order(path.read_bytes(), dtype, sample_format))
    found = xisf_picture(path).pixels
    np.testing.assert_array_equal(found, pixels)
    assert found.dtype.isnative
