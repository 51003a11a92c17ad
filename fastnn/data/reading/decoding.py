"""The decoding of bytes to text, by byte order mark or encoding; errors name the wrong byte and its line."""

import codecs

from fastnn.checking import InputError, shown

__all__ = ["checked_encoding", "decoded"]

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: this mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def checked_encoding(encoding: object) -> str | None:
    """Return Python's name of a text encoding, or None for None; refuse anything else."""
    if encoding is None:
        return None
    try:
        name = codecs.lookup(encoding).name if isinstance(encoding, str) else ""
        "".encode(name)  # fails for encodings that are not for text: base64, rot13
    except (LookupError, ValueError):
        name = ""
    if not name:
        raise InputError(
            f"encoding must be the name of a text encoding; got {shown(encoding)}. "
            "Give utf-8, latin-1, cp1252 or utf-16, say."
        )
    return name


def decoded(content: bytes, encoding: str | None, file: str) -> str:
    """Return the text of `content`, decoded by the given encoding, else by its mark, else as UTF-8."""
    marked = next((name for mark, name in MARKS if content.startswith(mark)), None)
    chosen = encoding or marked or "utf-8"
    if marked == "utf-8" and not chosen.startswith("utf-8"):
        raise InputError(
            f"{file} must be read as it is marked; got a UTF-8 byte order mark and encoding={encoding!r}. "
            "Leave the encoding out."
        )
    try:
        text = content.decode(chosen)
    except UnicodeDecodeError as error:
        raise _undecodable(content, error, chosen, file) from None
    text = text.lstrip("\ufeff")
    _refuse_nul(text, file)
    return text


def _refuse_nul(text: str, file: str) -> None:
    if "\0" not in text:
        return
    line = text.count("\n", 0, text.index("\0")) + 1
    remedy = "Remove them, or write the file again"
    if 4 * text.count("\0") > len(text):
        wide = "utf-16-be" if text.startswith("\0") else "utf-16-le"
        remedy = (
            "It is binary, or text in UTF-16 without its mark: "
            f"then give encoding={wide!r} (--encoding {wide})"
        )
    raise InputError(f"{file}, line {line}: must be text without NUL bytes; got some. {remedy}.")


def _undecodable(content: bytes, error: UnicodeDecodeError, encoding: str, file: str) -> InputError:
    # Counted in the file's bytes: the codec may have dropped a mark, and counts without it.
    start = error.start + len(content) - len(error.object)
    line = content.count(b"\n", 0, start) + 1
    other = "cp1252" if encoding != "cp1252" else "latin-1"
    return InputError(
        f"{file}, line {line}: the file must be {encoding.upper()} text; "
        f"got the byte 0x{content[start]:02x}. Save it as UTF-8, or name its encoding: "
        f"encoding='latin-1' or '{other}' (--encoding latin-1)."
    )
