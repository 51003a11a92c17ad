"""The options that name the data: their declarations for the parsers, and the Dataset that they give."""

from __future__ import annotations

import argparse
import csv
import re
import warnings
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from fastnn.checking import InputError, meant
from fastnn.core.activations import SOFTMAX
from fastnn.data.digest import SHORT
from fastnn.showing.lettering import counted
from fastnn.system.paths import file_given
from fastnn.system.telling import note

if TYPE_CHECKING:
    from fastnn.data.datasets import Dataset
    from fastnn.data.reading.dialect import Dialect

__all__ = ["OF_THE_DATA", "add_data", "add_reading", "data_of", "dialect_of"]

STAND_IN = "no published insurance.csv found; simulated data are used (see --help)"
ORDER = re.compile(r'("(?:[^"]|"")*"|[^="]+)=(.+)', re.DOTALL)
TABLES = ("insurance", "simulated", "generated")
SHORTEST = 8  # the fewest digits of a digest that are accepted
READING = ("sep", "decimal", "thousands", "encoding", "header")
OF_THE_DATA = ("inputs", "target", *READING, "ordered", "categories", "data_digest")


def add_data(parser: argparse.ArgumentParser, title: str = "data") -> None:
    """Declare the options that name a table, its format and the use of its columns."""
    group = parser.add_argument_group(title)
    group.add_argument(
        "--data",
        default="insurance",
        metavar="NAME|FILE",
        help="insurance (your copy, or else the embedded stand-in), simulated (the stand-in), generated "
        "(n1, n2 -> n3), or a CSV or Parquet file, which may be compressed (gz, zip, ...)",
    )
    group.add_argument(
        "--inputs",
        action="append",
        metavar="NAME,..",
        help="input columns; may be given several times; quote a name with a comma: '\"a,b\",c'; "
        "insurance: age,bmi",
    )
    group.add_argument(
        "--target",
        action="append",
        metavar="NAME",
        help="target column; may be given several times; insurance: charges",
    )
    add_reading(group)
    group.add_argument(
        "--missing",
        default="refuse",
        choices=("refuse", "drop"),
        help="refuse a table with missing cells, or drop their rows; default refuse",
    )
    group.add_argument(
        "--ordered",
        action="append",
        metavar="NAME=LOW,..",
        help="categories of a column from low to high, such as size=S,M,L: they become 0, 1, 2, ...",
    )
    group.add_argument(
        "--categories",
        action="append",
        metavar="NAME,..",
        help="columns of categories that look like numbers, such as postal codes",
    )
    group.add_argument(
        "--data-digest",
        metavar="DIGITS",
        help="refuse data with another digest; the page of a sweep shows its data's digest",
    )


def add_reading(group: Any) -> None:
    """Declare the options of a file's format, for files from which it cannot be recognised."""
    group.add_argument("--sep", metavar="SIGN", help="sign between cells: ';' or tab, semicolon, whitespace")
    group.add_argument("--decimal", metavar="SIGN", help="decimal sign: comma or point")
    group.add_argument("--thousands", metavar="SIGN", help="sign between groups of digits: comma, space, ...")
    group.add_argument("--encoding", metavar="NAME", help="such as latin-1 or cp1252; default UTF-8")
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="the first line holds the names; or no line does, and the columns are x1, x2, ...",
    )


def dialect_of(options: Namespace) -> Dialect:
    """The format of a file, as --sep, --decimal, --thousands, --encoding and --header give it."""
    from fastnn.data.reading.dialect import Dialect

    told: dict[str, Any] = {name: getattr(options, name) for name in READING}
    return Dialect(**told | {"header": {None: "infer", True: 0, False: None}[options.header]})


def data_of(options: Namespace, option: str = "--data", required: str = "an existing file") -> Dataset:
    """The data that the options name, checked against --data-digest.

    Refusals name the `option` that gave the table, and what it must be.
    """
    from fastnn.data.recoding import of_classes

    data = _named(options, option, required)
    if _asks_for_classes(options) and of_classes(data) is not None:
        quoted = str(data.target).replace('"', '""')
        options.categories = [*(options.categories or ()), f'"{quoted}"']
        note(f"{data.target} holds whole numbers, which become classes (--categories)")
        data = _named(options, option, required)
    _refuse_other_data(data, options)
    return data


def _asks_for_classes(options: Namespace) -> bool:
    """Whether all outputs that the options ask for are those of classes."""
    asked = getattr(options, "output", None) or "identity"
    return {*([asked] if isinstance(asked, str) else asked)} == {SOFTMAX.name}


def _named(options: Namespace, option: str, required: str) -> Dataset:
    import fastnn
    from fastnn.data.datasets import Dataset

    columns = {"inputs": _names(options.inputs, "--inputs"), "target": options.target}
    given: dict[str, Any] = {name: value for name, value in columns.items() if value}
    conversion = {
        "missing": options.missing,
        "ordered": _orders(options.ordered),
        "categories": _names(options.categories, "--categories"),
        "weights": getattr(options, "weights", None),
    }
    if options.data in TABLES:
        _refuse_reading(options, option)
    if options.data == "generated":
        columns = {"inputs": ["n1", "n2"], "target": "n3"} | given
        frame = fastnn.generate_train_data()
        return Dataset.from_frame(frame, **columns, **conversion, source="generate_train_data()")
    if options.data in ("insurance", "simulated"):
        return _insurance(options.data == "simulated", given | conversion)
    if not file_given(options.data, option, required).exists():
        raise InputError(
            f"{option} must be {required}, or {', '.join(TABLES)}; got {options.data!r}"
            f"{meant(options.data, TABLES)}. Check the path."
        )
    from fastnn.data.reading.files import existing_file

    existing_file(options.data, option)
    if len(given) < 2:
        raise InputError(
            f"{option} with a file needs --inputs and --target; got {options.data} alone. "
            "Name its columns, such as --inputs age,bmi --target charges."
        )
    told = dialect_of(options)
    reading = {name: getattr(told, name) for name in READING}
    return fastnn.load_csv(options.data, **given, **reading, **conversion)


def _insurance(simulated: bool, columns: dict[str, Any]) -> Dataset:
    """Load the insurance data; note briefly if they are the stand-in."""
    import fastnn

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        data = fastnn.load_insurance(simulated=simulated, **columns)
    for warning in told:
        stand_in = issubclass(warning.category, fastnn.SimulatedDataNote)
        note(STAND_IN if stand_in else str(warning.message))
    return data


def _refuse_reading(options: Namespace, option: str) -> None:
    """Refuse options of a file's format if no file is read."""
    told = next((name for name in READING if getattr(options, name) is not None), None)
    told = "no-header" if told == "header" and not options.header else told
    if told is not None:
        raise InputError(
            f"--{told} gives the format of a file; got {option} {options.data}, which is no file. "
            f"Leave it out, or give the file: {option} FILE."
        )


def _refuse_other_data(data: Dataset, options: Namespace) -> None:
    wanted = options.data_digest
    if wanted is None:
        return
    digest = data.digest
    if len(wanted) < SHORTEST or not digest.startswith(wanted.lower()):
        raise InputError(
            f"the data must be those that this command was written for, with the digest {wanted}; got other "
            f"data, {counted(data.rows, 'row')} from {data.source}, with the digest {digest[:SHORT]}. "
            "Give the same table (--data FILE), the same columns and the same format; "
            "or leave --data-digest out."
        )


def _names(given: list[str] | None, option: str) -> list[str]:
    """Column names, separated by commas; names with commas are quoted."""
    return [name for text in given or () for name in _split(text, option)]


def _orders(given: list[str] | None) -> dict[str, list[str]] | None:
    """The ordered categories of each column, from texts such as size=S,M,L."""
    orders: dict[str, list[str]] = {}
    for text in given or ():
        parts = ORDER.fullmatch(text)
        if parts is None:
            raise InputError(
                f"--ordered must be a column and its categories from low to high; got {text!r}. "
                "Write it like size=S,M,L."
            )
        name = _split(parts[1], "--ordered")[0] if parts[1].startswith('"') else parts[1].strip()
        if name in orders:
            raise InputError(f"--ordered must give each column once; got {name!r} twice. Leave one out.")
        orders[name] = _split(parts[2], "--ordered")
    return orders or None


def _split(text: str, option: str) -> list[str]:
    try:
        parts = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error:
        parts = []
    parts = [part.strip() for part in parts]
    if not all(parts) or not parts:
        raise InputError(
            f"{option} must be names separated by commas, quoted if they hold commas; got {text!r}. "
            "Write them like age,bmi or '\"height, cm\",bmi'."
        )
    return parts
