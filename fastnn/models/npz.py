"""The container of a model file: an uncompressed .npz whose content fixes every byte.

`numpy.load`, `unzip` and any other reader of zip archives open it. The first member, header.json, names the
arrays that follow; each is one .npy member, little-endian and in C order. Times and owners are fixed, so
equal contents give equal bytes.

Reading trusts only the checked header, which fixes the place of every array and the length of the file. The
length is compared before an array is read. Then all bytes outside the arrays, including checksums, are
compared with the bytes that writing would give. So nothing in the file is obeyed: no offset, count, name or
compression.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from io import BufferedReader
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import ModelFileError
from fastnn.showing.lettering import counted

__all__ = [
    "LONGEST_HEADER",
    "MOST_BYTES",
    "Member",
    "arrays_of",
    "damaged",
    "header_of",
    "size_of",
    "written",
]

HEADER = b"header.json"
LONGEST_HEADER = 1 << 20
MOST_BYTES = 2 << 30  # the limit of all arrays of results; a zip archive could not hold 4 GiB anyway

# APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16: a member's header, its entry in the directory, the end.
LOCAL = struct.Struct("<4s5H3I2H")
ENTRY = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
VERSION, MADE_BY_UNIX, FIRST_DAY, PLAIN_FILE = 20, (3 << 8) | 20, 0x21, 0o644 << 16
LENGTH = struct.Struct("<I")
LENGTH_AT = 22  # place of a member's length in its header

Array = NDArray[Any]


class Member(NamedTuple):
    """An array in a file: its name, its dtype as NumPy spells it ("<f8"), its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def file(self) -> bytes:
        """The member's name in the archive."""
        return f"{self.name}.npy".encode("ascii")

    @property
    def head(self) -> bytes:
        """The bytes before the numbers: the header of the .npy format, version 1.0."""
        text = f"{{'descr': '{self.dtype}', 'fortran_order': False, 'shape': {self.shape}, }}"
        text = text.ljust(-(-(len(text) + 11) // 64) * 64 - 11) + "\n"
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("ascii")

    @property
    def bytes(self) -> int:
        """The length of the numbers in bytes."""
        size = int(self.dtype[-1])
        for length in self.shape:
            size *= length
        return size


def size_of(header: bytes, members: list[Member]) -> int:
    """The length in bytes of a file that holds a header and some arrays."""
    contents = [(HEADER, len(header)), *((m.file, len(m.head) + m.bytes) for m in members)]
    return END.size + sum(LOCAL.size + ENTRY.size + 2 * len(name) + length for name, length in contents)


def written(header: bytes, arrays: Mapping[Member, Array]) -> Iterator[bytes | memoryview]:
    """Yield the file's bytes in pieces; `arrays` are C-ordered and have their members' dtypes and shapes."""
    directory, place = [], 0
    contents: list[tuple[bytes, list[bytes | memoryview]]] = [(HEADER, [header])]
    contents += [(m.file, [m.head, _bytes_of(array)]) for m, array in arrays.items()]
    for name, pieces in contents:
        length, checksum = sum(map(len, pieces)), 0
        for piece in pieces:
            checksum = crc32(piece, checksum)
        shared = (VERSION, 0, 0, 0, FIRST_DAY, checksum, length, length, len(name), 0)
        yield LOCAL.pack(b"PK\x03\x04", *shared) + name
        yield from pieces
        entry = ENTRY.pack(b"PK\x01\x02", MADE_BY_UNIX, *shared, 0, 0, 0, PLAIN_FILE, place)
        directory.append(entry + name)
        place += LOCAL.size + len(name) + length
    entries = b"".join(directory)
    yield entries
    yield END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), len(entries), place, 0)


def header_of(file: BufferedReader, name: str) -> bytes:
    """Read the header, at most 1 MiB, from the beginning of the file called `name`."""
    start = file.read(LOCAL.size + len(HEADER))
    if len(start) < LOCAL.size + len(HEADER) or start[:4] != b"PK\x03\x04" or not start.endswith(HEADER):
        raise ModelFileError(
            f"{name} must be a model file that fastnn wrote; got something else. "
            "Give the path that Training.save was given."
        )
    (length,) = LENGTH.unpack_from(start, LENGTH_AT)
    header = file.read(length) if length <= LONGEST_HEADER else b""
    if not header or len(header) < length:
        raise damaged(name, f"a header of {counted(length, 'byte', str)}")
    return header


def arrays_of(file: BufferedReader, name: str, header: bytes, members: list[Member]) -> dict[str, Array]:
    """Read the arrays named by a checked header, in the machine's own byte order.

    The length of the file is compared before anything is read, so no more is allocated than the file is long.
    """
    size, length = size_of(header, members), file.seek(0, 2)
    if size > MOST_BYTES:
        raise damaged(name, "a header that asks for more than 2 GiB")
    if size != length:
        raise damaged(name, f"{counted(length, 'byte', str)} where its header asks for {size}")
    # Not by `numpy.load`: it would need a check of every member before (or 0.8 MB unpack to 0.8 GB), and of
    # dtypes and shapes after, more code than this loop. Measured: x1.6 as long.
    arrays, place = {}, LOCAL.size + len(HEADER) + len(header)
    for member in members:
        array = np.empty(member.shape, member.dtype)
        place += LOCAL.size + len(member.file) + len(member.head)
        file.seek(place)
        place += file.readinto(_bytes_of(array))  # missing bytes are noticed below
        arrays[member] = array
    file.seek(0)
    for piece in written(header, arrays):
        if isinstance(piece, memoryview):
            file.seek(len(piece), 1)
        elif file.read(len(piece)) != piece:
            raise damaged(name, f"other bytes before {file.tell()} than were written")
    return {m.name: array.astype(array.dtype.newbyteorder("="), copy=False) for m, array in arrays.items()}


def _bytes_of(array: Array) -> memoryview:
    """The bytes of a C-ordered array, not copied."""
    return array.reshape(-1).view(np.uint8).data


def damaged(name: str, found: str) -> ModelFileError:
    """The error for a file that was a model file once, or claims to be one."""
    return ModelFileError(
        f"{name} must be a whole model file; got {found}. It is damaged: copy it again, or save it again."
    )
