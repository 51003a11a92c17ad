"""Kinds of files, recognised by their first bytes: archives are unpacked, files without a table refused."""

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

from fastnn.checking import InputError
from fastnn.data.columns import listed
from fastnn.data.reading.files import MOST_BYTES

__all__ = ["PARQUET", "refuse_other_kinds", "unpacked"]

PARQUET = b"PAR1"
ARCHIVES: dict[bytes, Callable[[BytesIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
ZIPPED = (b"PK\x03\x04", b"PK\x05\x06")
BROKEN = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    RuntimeError,
)
"""The errors that Python raises for an archive that is cut short, damaged, locked or of an unknown method."""

BY_PANDAS = "Read it with pandas.{} and give the frame to Dataset.from_frame"
AS_CSV = "Save it as a CSV file"
OTHER_KINDS: dict[bytes, tuple[str, str]] = {
    b"\xd0\xcf\x11\xe0": ("an Excel workbook (xls)", BY_PANDAS.format("read_excel")),
    b"ARROW1": ("a Feather (Arrow) file", BY_PANDAS.format("read_feather")),
    b"FEA1": ("a Feather file", BY_PANDAS.format("read_feather")),
    b"ORC": ("an ORC file", BY_PANDAS.format("read_orc")),
    b"\x89HDF": ("an HDF5 file", BY_PANDAS.format("read_hdf")),
    b"<stata_dta>": ("a Stata file", BY_PANDAS.format("read_stata")),
    b"$FL": ("an SPSS file", BY_PANDAS.format("read_spss")),
    b"SQLite format 3": ("an SQLite database", BY_PANDAS.format("read_sql")),
    b"\x93NUMPY": ("a NumPy file", "Load it with numpy.load and give pandas.DataFrame(array) to from_frame"),
    b"RDX": ("an R data file", "Write it as CSV: write.csv(table, file, row.names=FALSE)"),
    b"X\n\x00\x00": ("an R data file", "Write it as CSV: write.csv(table, file, row.names=FALSE)"),
    b"%PDF": ("a PDF", "Copy its table into a CSV file"),
    b"\x89PNG": ("a picture", "Give the file with the table"),
    b"\xff\xd8\xff": ("a picture", "Give the file with the table"),
    b"{\\rtf": ("a text document (rtf)", AS_CSV),
    b"\x1f\x9d": ("an archive of compress (Z)", "Unpack it first"),
    b"\x5d\x00\x00": ("an lzma archive", "Unpack it first"),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it first"),
    b"Rar!": ("a rar archive", "Unpack it first"),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", "Unpack it first"),
    b"version https://git-lfs": ("a pointer of Git LFS in place of the file", "Fetch the file: git lfs pull"),
}
PICKLE = re.compile(rb"\x80[\x02-\x05].*\.\Z", re.DOTALL)
MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|table|head|body|svg)", re.IGNORECASE)
JSON = re.compile(rb"\s*(\{\s*[\"}]|\[\s*[\[{\"\d-])")
ARFF = re.compile(rb"(\s*%[^\n]*\n)*\s*@relation\b", re.IGNORECASE)
BEGINNING = 10_000  # bytes: longer than any comment above an ARFF file's first line


def unpacked(content: bytes, file: str) -> bytes:
    """Return the content of an archive (gz, bz2, xz, a zip of one file); return other bytes unchanged."""
    try:
        for mark, opened in ARCHIVES.items():
            if content.startswith(mark):
                return _bounded(opened(BytesIO(content)), file)
        if content.startswith(ZIPPED):
            return _of_zip(content, file)
    except BROKEN as error:
        raise InputError(
            f"{file} must be a whole archive; got one that cannot be unpacked ({error}). Fetch it again."
        ) from None
    return content


def _of_zip(content: bytes, file: str) -> bytes:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = [
            name
            for name in archive.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX/") and not name.endswith(".DS_Store")
        ]
        _refuse_packed_kinds(names, file)
        if len(names) != 1:
            raise InputError(
                f"{file} must be an archive of one file; got {listed(names, 5) or 'none'}. "
                "Unpack it and give the file."
            )
        with archive.open(names[0]) as member:
            return _bounded(member, file)


def _refuse_packed_kinds(names: list[str], file: str) -> None:
    """Refuse documents and other files that are zip archives inside."""
    if any(name.startswith("xl/") for name in names):
        raise _other_kind(file, "an Excel workbook (xlsx)", BY_PANDAS.format("read_excel"))
    if "mimetype" in names or any(name.startswith(("word/", "ppt/")) for name in names):
        raise _other_kind(file, "an office document (ods, docx)", AS_CSV)
    if any(name.endswith(".npy") for name in names):
        raise _other_kind(file, "a NumPy archive (npz)", OTHER_KINDS[b"\x93NUMPY"][1])


def _bounded(opened: Any, file: str) -> bytes:
    with opened:
        content: bytes = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InputError(
            f"{file} must hold at most {MOST_BYTES / 2**30:.0f} GiB when unpacked; got more. "
            "Take fewer rows or columns of it."
        )
    return content


def refuse_other_kinds(content: bytes, file: str) -> None:
    """Refuse, by its kind, a file that is no text with rows and separators."""
    for mark, (kind, remedy) in OTHER_KINDS.items():
        if content.startswith(mark):
            raise _other_kind(file, kind, remedy)
    if content.startswith((*ARCHIVES, *ZIPPED)):
        raise _other_kind(file, "an archive within an archive", "Unpack it first")
    beginning = content[:BEGINNING].removeprefix(b"\xef\xbb\xbf")
    if PICKLE.match(content):
        raise _other_kind(file, "a pickle, which is not opened as it may run code", AS_CSV)
    if MARKUP.match(beginning):
        raise _other_kind(
            file, "HTML or XML, perhaps a page in place of the download", "Fetch the table itself"
        )
    if JSON.match(beginning):
        raise _other_kind(file, "JSON", BY_PANDAS.format("read_json"))
    if ARFF.match(beginning):
        raise _other_kind(
            file, "an ARFF file", "Read it with scipy.io.arff.loadarff, or save it as a CSV file"
        )
    if content[257:262] == b"ustar":
        raise _other_kind(file, "a tar archive", "Unpack it and give the file")


def _other_kind(file: str, kind: str, remedy: str) -> InputError:
    return InputError(f"{file} must be a table as text (CSV) or Parquet; got {kind}. {remedy}.")
