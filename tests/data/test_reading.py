"""Table files as people write them: what is read, cell by cell, and what is refused in which words."""

import bz2
import csv
import gzip
import io
import lzma
import pickle
import zipfile
from functools import partial

import pandas as pd
import pytest
from each_of import each_of
from hypothesis import given
from hypothesis import strategies as st

from fastnn.checking import InputError
from fastnn.data.datasets import Dataset
from fastnn.data.loading import dataset_in
from fastnn.data.reading.dialect import Dialect
from fastnn.data.reading.tables import table_in

BOTH = {"decimal": ",", "thousands": "."}
ALL = {"a": ["1", "3", "5"], "b": ["2.5", "4", "6"], "c": ["x", "y", "x"]}
# Without the time of day, which would be in the names of tests.
compress = partial(gzip.compress, mtime=0)

PLAIN = "a,b,c\n1,2.5,x\n3,4,y\n5,6,x\n"


def read(content, chosen=None, **told):
    """Read columns of a file with these bytes, all that have names if none are chosen."""
    content = content.encode() if isinstance(content, str) else content

    def named(names):
        if not set(chosen or ()) <= set(names):
            raise InputError(f"the names must be chosen ones; got {names}. Choose others.")
        return [name for name in names if name] if chosen is None else chosen

    return table_in(content, "table.csv", named, Dialect(**told))


def cells(table):
    return {name: column.tolist() for name, column in table.frame.items()}


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def columns(**named):
    return {name: written.split("|") for name, written in named.items()}


@each_of(
    "content, told",
    [
        (PLAIN, {}),
        (PLAIN.rstrip("\n"), {}),
        (PLAIN.replace("\n", "\r\n"), {}),
        (PLAIN.replace("\n", "\r"), {}),
        (PLAIN.replace("\n", "\n\n") + "\n\n \n", {}),
        ("\n\n" + PLAIN, {}),
        (PLAIN.replace(",", " , "), {}),
        (PLAIN.replace("\n", "  \n"), {}),
        (PLAIN.replace("x", '"x"').replace("a,", '"a",'), {}),
        (PLAIN.replace(",x", ', "x"'), {}),
        (PLAIN.replace("\n", "\t\n"), {}),
        (PLAIN + "\x1a", {}),
        (PLAIN + "\x1a\r\n", {}),
        (PLAIN + ",,\n,,\n", {}),
        (PLAIN.replace(",", ";"), {}),
        (PLAIN.replace(",", "\t"), {}),
        (PLAIN.replace(",", "|"), {}),
        (PLAIN.replace(",", " "), {}),
        (PLAIN.replace(",", "   \t "), {}),
        (PLAIN.replace(",", "  ").replace("\n", " \n "), {}),
        (PLAIN.replace(",", "~"), {"sep": "~"}),
        (PLAIN.replace(",", "\x01"), {"sep": "\x01"}),
        (PLAIN.replace(",", "\t"), {"sep": "tab"}),
        (PLAIN.replace(",", "\t"), {"sep": "\\t"}),
        (PLAIN.replace(",", ";"), {"sep": "semicolon"}),
        (PLAIN.replace(",", " "), {"sep": r"\s+"}),
        (PLAIN.replace(",", " "), {"sep": "space"}),
        ("sep=;\n" + PLAIN.replace(",", ";"), {}),
        ("\ufeffsep=;\r\n" + PLAIN.replace(",", ";"), {}),
        ('"sep=|"\n' + PLAIN.replace(",", "|"), {}),
        ("sep=,\n" + PLAIN, {}),
        ("# a comment, about all\n#\n" + PLAIN, {}),
        (PLAIN.replace("3,4", "# halfway\n3,4"), {}),
        ("# " + PLAIN, {}),
        ("#" + PLAIN, {}),
        ("Ages of some, and more\n".replace(",", "") + PLAIN, {}),
        ("Table 1: all of it,,\n\n" + PLAIN, {}),
        (PLAIN.replace("\n", ",\n").replace("c,", "c"), {}),
        (PLAIN.replace("\n", ",\n"), {}),
        ('"a","b","c"\n"1",1,2.5,"x"\n"2",3,4,"y"\n"3",5,6,"x"\n', {}),
        ('"a" "b" "c"\n"1" 1 2.5 "x"\n"2" 3 4 "y"\n"3" 5 6 "x"\n', {}),
        ("a,b,c\n0,1,2.5,x\n7,3,4,y\n12,5,6,x\n", {}),
        ("a,b,c\nAnn,1,2.5,x\nBob,3,4,y\nEve,5,6,x\n", {}),
        (PLAIN.replace(",", ";").replace("2.5", "2,5"), {}),
        (PLAIN.replace("2.5", '"2,5"'), {}),
        (PLAIN.replace(",", ";").replace("2.5", "2,5"), {"decimal": ","}),
        (PLAIN.replace(",", ";").replace("2.5", "2,5"), {"decimal": "comma", "sep": ";"}),
        ("\ufeff" + PLAIN, {}),
        ("\ufeff\ufeff" + PLAIN, {}),
        ("A title\nof, tables\n" + PLAIN, {}),
        (("\ufeff" + PLAIN).encode("utf-16-le"), {}),
        (("\ufeff" + PLAIN).encode("utf-16-be"), {}),
        (("\ufeff" + PLAIN.replace(",", "\t").replace("\n", "\r\n")).encode("utf-16-le"), {}),
        (PLAIN.encode("utf-32"), {}),
        (PLAIN.encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (PLAIN.encode("cp037"), {"encoding": "cp037"}),
        (compress(PLAIN.encode()), {}),
        (bz2.compress(PLAIN.encode()), {}),
        (lzma.compress(PLAIN.encode()), {}),
        (zipped(**{"table.csv": PLAIN}), {}),
        (zipped(**{"in/": "", "in/table.csv": PLAIN, "__MACOSX/._table.csv": "x"}), {}),
        (compress(("\ufeff" + PLAIN.replace(",", ";")).encode("utf-16-le")), {}),
    ],
)  # fmt: skip
def test_one_table_in_many_dresses(content, told):
    assert cells(read(content, **told)) == ALL


@each_of(
    "content, told, expected",
    [
        # cells as they are written
        ("a,b\n01,9007199254740993\n02,1e5\n", {}, columns(a="01|02", b="9007199254740993|1e5")),
        ("a,b\nNA,?\n,-\n1,None\n", {}, columns(a="NA||1", b="?|-|None")),
        ("a,b\nC#,1\nF#,2\n", {}, columns(a="C#|F#", b="1|2")),
        ("a,b\n#1,1\n#2,2\n", {}, columns(a="#1|#2", b="1|2")),
        ("#,b\n1,4\n2,5\n", {}, {"#": ["1", "2"], "b": ["4", "5"]}),
        ('a,b\n"two\nlines",1\n"say ""hi""",2\n', {}, {"a": ["two\nlines", 'say "hi"'], "b": ["1", "2"]}),
        ('a,b\n5" pipe,1\n"x, y",2\n', {}, {"a": ['5" pipe', "x, y"], "b": ["1", "2"]}),
        ("a,b\n1_0,١٢\n2_0,3\n", {}, columns(a="1_0|2_0", b="١٢|3")),
        ("a,b\n x y ,\xa01\xa0\nz,2\n", {}, columns(a="x y|z", b="1|2")),
        ("a,,b\n1,0,2\n3,0,4\n", {}, columns(a="1|3", b="2|4")),
        ('"a, b";c\n1;2\n3;4\n', {}, {"a, b": ["1", "3"], "c": ["2", "4"]}),
        ("Größe, cm;Gewicht, kg\n27,9;3,4\n30,1;5,6\n", {},
         {"Größe, cm": ["27.9", "30.1"], "Gewicht, kg": ["3.4", "5.6"]}),
        ("a\n1\n2\n", {}, columns(a="1|2")),
        ("a\nNew York\nLos Angeles\n", {}, columns(a="New York|Los Angeles")),
        ("a,2010\nAT,1\nDE,3\n", {}, {"a": ["AT", "DE"], "2010": ["1", "3"]}),
        ("f\xe9e,b\n1,2\n".encode("latin-1"), {"encoding": "latin-1"}, {"fée": ["1"], "b": ["2"]}),
        ("a, b\tc\n27,9\tx\n", {}, {"a, b": ["27.9"], "c": ["x"]}),
        # no line of names
        ("1,2,x\n3,4,y\n", {"header": None}, columns(x1="1|3", x2="2|4", x3="x|y")),
        ("1,2\n3,4\n", {"header": 0}, {"1": ["3"], "2": ["4"]}),
        ("bool_in=0\nreal_in=9\n0.2 0.1 1\n0.5 0.1 0\n0.3 0.2 1\n", {"header": None},
         columns(x1="0.2|0.5|0.3", x2="0.1|0.1|0.2", x3="1|0|1")),
        # numbers in other notations
        ("a;b\n27,9;1.234,5\n3,4;2.000.000,25\n", {}, columns(a="27.9|3.4", b="1234.5|2000000.25")),
        ('a,b\n"1,234.5",x\n"2,345,678",y\n', {}, columns(a="1234.5|2345678", b="x|y")),
        ('a,b\n"1,234",0.5\n"2,345",0.25\n', {}, columns(a="1234|2345", b="0.5|0.25")),
        ('a,b\n"1,234",0.5\n"2,345",0.25\n', {"thousands": ","}, columns(a="1234|2345", b="0.5|0.25")),
        ('a,b\n"1,234",7\n"2,345",8\n', {"decimal": ","}, columns(a="1.234|2.345", b="7|8")),
        ("a;b\n1 234,5;x\n2 345,6;y\n", {}, columns(a="1234.5|2345.6", b="x|y")),
        ("a;b\n1\xa0234;x\n12;y\n", {}, columns(a="1234|12", b="x|y")),
        ("a;b\n1\u202f234,5;x\n12;y\n", {}, columns(a="1234.5|12", b="x|y")),
        ("a,b\n1'234.50,x\n12,y\n", {}, columns(a="1234.50|12", b="x|y")),
        ("a,b\n1’234.50,x\n12,y\n", {"thousands": "'"}, columns(a="1234.50|12", b="x|y")),
        ("a;b\n1.234;27,9\n2.345;3\n", BOTH, columns(a="1234|2345", b="27.9|3")),
        ("a;b\n1.234;3\n2.345;4\n", {"thousands": "."}, columns(a="1234|2345", b="3|4")),
        ("a;b\nNA;27,9\n3,4;-\n", {}, columns(a="NA|3.4", b="27.9|-")),
        ("a;b\n-0,5e3;1\n+,5;2\n", {}, columns(a="-0.5e3|+.5", b="1|2")),
        ("a;b\n1.234;x\n2.345;y\n", {"decimal": "."}, columns(a="1.234|2.345", b="x|y")),
        ("a;b\n1.234;0.5\n2.345;7\n", {}, columns(a="1.234|2.345", b="0.5|7")),
        ("a;b\n0.234;x\n2.345;y\n", {}, columns(a="0.234|2.345", b="x|y")),
        ("a,b\n1.234,x\n2.345,y\n", {}, columns(a="1.234|2.345", b="x|y")),
        ("a,b\n1.234.567,x\n2.345,y\n", {}, columns(a="1234567|2345", b="x|y")),
        ("a,b,\n1,2\n3,4\n", {}, columns(a="1|3", b="2|4")),
        ("a;b\n12, 34;1\nx, y;2\n", {}, {"a": ["12, 34", "x, y"], "b": ["1", "2"]}),
        ("a;b\n1,5;27,9\n:;3,4\nx y;1\n2,5;2\n", {}, columns(a="1.5|:|x y|2.5", b="27.9|3.4|1|2")),
        ("a;b\n1,5;2\nx;3\n", {"decimal": ","}, columns(a="1.5|x", b="2|3")),
        ('a,b\n"45,000",0.5\n"1,20,000",2\n', {}, columns(a="45000|120000", b="0.5|2")),
        ("a,b\n5 mai 2020,0.5\n6 juin 2021,1.5\n", {}, columns(a="5 mai 2020|6 juin 2021", b="0.5|1.5")),
        (",b\n0,1.5\n1,2.5\n", {}, columns(b="1.5|2.5")),
        ('"Data Source","WDI",\n\n"Updated","2024",\n\n"a","b","2019","2020",\n"x","y","1","",\n', {},
         {"a": ["x"], "b": ["y"], "2019": ["1"], "2020": [""]}),
        ("1,\n2,3\n", {"header": None}, columns(x1="1|2", x2="|3")),
    ],
)  # fmt: skip
def test_cells_are_read_as_they_are_written(content, told, expected):
    assert cells(read(content, **told)) == expected


@each_of(
    "content, told, message",
    [
        ("", {}, " must have a line of column names; got an empty file"),
        ("\n\r\n\n", {}, " must have a line of column names; got an empty file"),
        ("\ufeff", {}, " must have a line of column names; got an empty file"),
        ("# only a comment\n", {}, " must have a line of column names; got only comments"),
        ("a,b\n", {}, " must have at least one row; got only column names"),
        # rows unlike the others
        (PLAIN.replace("3,4,y", "3,4"), {}, ", line 3: must have 3 cells.*; got 2, ending at column 'b'"),
        (PLAIN.replace("3,4,y", "3,4,y,z"), {}, ", line 3: must have 3.*got 4, going on after column 'c'"),
        ("\n\n" + PLAIN.replace("3,4,y", "3"), {}, ", line 5: must have 3 cells"),
        (PLAIN.replace("x\n", '"x\n\n"\n', 1).replace("3,4,y", "3"), {}, ", line 5: must have 3 cells"),
        (PLAIN + "Source: World Bank\n", {}, ", line 5: must have 3 cells.*got 1"),
        (PLAIN.replace(",", "\t").replace("3\t4", "3,4"), {}, ", line 3: must have 3.*if it is not tabs"),
        ("a,b,c\n1,2\n3,4\n5,6\n", {}, ", line 2: must have 3 cells.*got 2, ending at column 'b'"),
        ("a,b\n19,2.5,1\n18,4,2\n", {}, ", line 2: must have a name for each.*got 2 names, a, b"),
        ("a\n19,2.5,1\n18,4,2\n", {}, ", line 2: must hold the names of the columns"),
        # quotes
        (PLAIN.replace("2.5", '"2.5'), {}, ", line 2: must close its quotes"),
        (PLAIN.replace("2.5", '"2"5'), {}, ", line 2: must be well-formed CSV"),
        # no line of names, or another one
        ("1,2,3\n4,5,6\n", {}, ", line 1: must hold the names.*a row, 1, 2, 3.*header=None.*--no-header"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n6.1,2.9,virginica\n", {}, ", line 1: must hold the names"),
        ("39, State-gov, 7\n50, Private, 3\n38, State-gov, 4\n", {}, ", line 1: must hold the names"),
        ("# made by hand\n1,2,3\n4,5,6\n", {}, ", line 2: must hold the names"),
        ("a,b,c\nyears,kg,\n1,2,x\n3,4,y\n5,6,x\n", {}, ", line 2: must hold.*got years, kg.*line of unit"),
        # numbers that can be read in two ways
        ('a,b\n"1,234",x\n"2,345",y\n', {}, r", line 2, column 'a': .*got '1,234'.*--decimal.*--thousands"),
        ("a;b\n1,234;x\n12;y\n", {}, ", line 2, column 'a': numbers must be written like"),
        ("a;b\n27,9;1.234\n3,4;2.345\n", {}, ", line 2, column 'b': .*commas.*got '1.234'.*thousands='.'"),
        ("a;b\n27,9;0.5\n3,4;2\n", {}, ", line 2, column 'b': numbers must be written with decimal commas"),
        ("a;b\n7;0\n3;2.5\n", {"decimal": ","}, ", line 3, column 'b': numbers must be written with decimal"),
        ("a;b\n27,9;\"1,234.5\"\n3,4;7\n", {}, ": .* alike; got '27,9' in line 2.*'a', and '1,234.5'"),
        ("a;b\n1.234;x\n2.345;y\n", {}, ", line 2, column 'a': .*got '1.234'.*--decimal .*--thousands"),
        # which separator
        ("a;b,c;d\nx;y,z;w\nu;v,w;x\n", {}, " must show how its cells are separated; got .*sep="),
        # encodings
        (PLAIN.encode().replace(b"x", b"\xe9", 1), {}, ", line 2: .*UTF-8.*byte 0xe9.*--encoding latin-1"),
        (b"\xef\xbb\xbf" + PLAIN.encode() + b"1,2,\xff\n", {}, ", line 5: .*got the byte 0xff"),
        (PLAIN.encode("utf-16-le"), {}, ", line 1: must be text without NUL bytes.*--encoding utf-16-le"),
        (b"\xef\xbb\xbf" + PLAIN.encode(), {"encoding": "latin-1"}, " must be read as it is marked"),
        (b"\xff\xfe" + PLAIN.encode("utf-16-le") + b"1", {}, ", line 5: the file must be UTF-16"),
        (PLAIN.encode("utf-16-be"), {}, ", line 1: must be text without NUL bytes.*--encoding utf-16-be"),
        (PLAIN.replace("x", "\0"), {}, ", line 2: must be text without NUL bytes; got some. Remove"),
        ("a;b\n0,5;0.25\n1,5;2\n", {}, ", line 2, column 'b': .*got '0.25'. Write all numbers alike"),
        ("a,b\n1,5,2,5\n3,5,4,5\n", {}, ", line 2: must have 2 cells, as there are names; got 4"),
        # other kinds of files
        (zipped(**{"xl/workbook.xml": "", "[Content_Types].xml": ""}), {}, " .*Excel workbook.*read_excel"),
        (zipped(**{"mimetype": "application/vnd.oasis", "content.xml": ""}), {}, " .*got an office document"),
        (zipped(**{"x.npy": "", "y.npy": ""}), {}, " .*NumPy archive"),
        (zipped(**{"a.csv": PLAIN, "b.csv": PLAIN}), {}, " must be an archive of one file; got a.csv, b.csv"),
        (zipped(), {}, " must be an archive of one file; got none"),
        (compress(PLAIN.encode())[:-9], {}, " must be a whole archive"),
        (zipped(**{"a.csv": PLAIN})[:-9], {}, " must be a whole archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), {}, " .*Excel workbook .xls"),
        (compress(compress(PLAIN.encode())), {}, " .*got an archive within an archive"),
        (zipped(**{"a.csv.gz": compress(PLAIN.encode())}), {}, " .*got an archive within an archive"),
        (lzma.compress(PLAIN.encode(), lzma.FORMAT_ALONE), {}, " .*got an lzma archive. Unpack it first"),
        (b"\x1f\x9d\x90" + bytes(9), {}, " .*got an archive of compress"),
        (pickle.dumps(ALL), {}, " .*got a pickle"),
        (b"SQLite format 3\0" + bytes(99), {}, " .*SQLite"),
        (b"ARROW1\0\0" + bytes(99), {}, " .*Feather"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), {}, " .*HDF5"),
        ("<!DOCTYPE html><html>", {}, " .*got HTML"),
        ('\ufeff{"a": [1, 2]}', {}, " .*got JSON"),
        ('[{"a": 1}]', {}, " .*got JSON"),
        ("% a comment\n@RELATION iris\n", {}, " .*got an ARFF"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", {}, " .*Git LFS"),
        (b"PAR1" + bytes(20), {}, " must be a whole Parquet file"),
    ],
)  # fmt: skip
def test_what_is_refused_in_which_words(content, told, message):
    with pytest.raises(InputError, match=f"(?s)^table.csv{message}") as refusal:
        read(content, **told)
    assert ";" in str(refusal.value)
    assert str(refusal.value).endswith((".", ")"))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"sep": ";;"}, "sep must be one character"),
        ({"sep": ""}, "sep must be one character"),
        ({"sep": '"'}, "sep must be one character"),
        ({"sep": "x"}, "sep must be one character"),
        ({"sep": 3}, "sep must be one character"),
        ({"decimal": ";"}, "decimal must be one sign"),
        ({"decimal": ",,"}, "decimal must be one sign"),
        ({"thousands": "7"}, "thousands must be one sign"),
        ({"decimal": ",", "thousands": ","}, "decimal and thousands must differ"),
        ({"encoding": "utf-99"}, "encoding must be the name of a text encoding; got 'utf-99'"),
        ({"encoding": "base64"}, "encoding must be the name of a text encoding"),
        ({"encoding": 7}, "encoding must be the name of a text encoding"),
        ({"header": 1}, "header must be 'infer', 0 .* or None"),
        ({"header": True}, "header must be 'infer', 0 .* or None"),
    ],
)
def test_refused_options(told, message):
    with pytest.raises(InputError, match=f"^{message}"):
        Dialect(**told)


def test_rows_know_their_lines():
    text = '\n# a comment\na,b\n1,2\n\n"3\n\n",4\r\n,\n5,6\n,\n'
    assert read(text).lines == [4, 6, 9, 10]


@pytest.mark.parametrize("quote", ["", '"'])
def test_cells_may_be_of_any_length(quote):
    limit = csv.field_size_limit()
    long = quote + "x" * (limit + 1) + quote
    text = f"a,b\n1,y\n2,{long}\n"
    assert cells(read(text)) == {"a": ["1", "2"], "b": ["y", long.strip('"')]}
    assert csv.field_size_limit() == limit


def test_the_names_tell_the_separator_where_looks_mislead():
    content = b"x;z;age, years\n30,5;no;yes\n"
    assert read(content, ["x"]).seen == ("separated by ';'", "decimal commas")
    data = dataset_in(b"a;b;age, years\n1;2;30,5\n", "table.csv", ["a", "age, years"], "b")
    assert data.X_scaling.invert(data.X).tolist() == [[1, 30.5]]
    with pytest.raises(InputError, match="got 'z'"):
        dataset_in(PLAIN.encode(), "table.csv", "a", "z")


def test_a_file_of_one_column_is_told_of_separators():
    with pytest.raises(InputError, match=r"two columns; got one, 'a\^b'.*name it: sep="):
        dataset_in(b"a^b\n1^2\n", "table.csv", "a", "b")
    assert dataset_in(b"a^b\n1^2\n", "table.csv", "a", "b", Dialect(sep="^")).rows == 1


def test_what_was_seen_is_said():
    assert read(PLAIN).seen == ()
    assert read(PLAIN.replace(",", "\t")).seen == ("separated by tabs",)
    assert read(PLAIN.replace(",", "\t"), sep="tab").seen == ()
    german = PLAIN.replace(",", ";").replace("2.5", "1.002,5")
    assert read(german).seen == ("separated by ';'", "decimal commas", "digits grouped by '.'")


def test_only_the_chosen_columns_are_looked_at():
    messy = 'a,b,c\n1,"1,234",27.9\n2,"2,345","3,4"\n'
    assert cells(read(messy, ["a"])) == {"a": ["1", "2"]}
    assert cells(read(messy, ["c", "a"], decimal=".")) == {"c": ["27.9", "3,4"], "a": ["1", "2"]}


def test_a_parquet_file_keeps_the_kinds_of_its_columns():
    pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow")
    frame = pd.DataFrame(
        {"n": [2**53 + 1, 7], "t": ["01", "NA"], "d": pd.Categorical(["b", "a"], ["b", "a"], ordered=True)}
    )
    buffer = io.BytesIO()
    frame.set_index("t").to_parquet(buffer)
    for content in (buffer.getvalue(), compress(buffer.getvalue())):
        table = read(content)
        assert (table.lines, table.seen) == (None, ())
        assert table.frame["n"].tolist() == [2**53 + 1, 7]
        assert table.frame["t"].tolist() == ["01", "NA"]
        assert table.frame["d"].cat.ordered
        assert table.frame["d"].cat.categories.tolist() == ["b", "a"]
    frame.iloc[:0].to_parquet(empty := io.BytesIO())
    with pytest.raises(InputError, match=r"table.csv must have at least one row"):
        read(empty.getvalue())


def test_whole_numbers_with_missing_ones_beside_them_stay_whole():
    pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow")
    buffer = io.BytesIO()
    pd.DataFrame({"n": pd.array([2**53 + 1, None], "Int64")}).to_parquet(buffer)
    assert read(buffer.getvalue()).frame["n"].tolist() == [2**53 + 1, None]


def test_an_archive_may_not_grow_without_bound(monkeypatch):
    monkeypatch.setattr("fastnn.data.reading.kinds.MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"must hold at most .* GiB when unpacked"):
        read(compress(bytes(100_000)))
    with pytest.raises(InputError, match=r"must hold at most .* GiB when unpacked"):
        read(zipped(**{"a.csv": bytes(100_000)}))


@given(
    st.lists(
        st.tuples(st.floats(-1e300, 1e300), st.integers(-(2**53) + 1, 2**53 - 1)), min_size=2, max_size=8
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.booleans(),
)
def test_a_file_and_its_frame_give_the_same_dataset(rows, sep, worded):
    frame = pd.DataFrame(rows, columns=["a, b", "t"])
    frame["word"] = [("no", "yes")[place % 2 if worded else place == 0] for place in range(len(rows))]
    content = frame.to_csv(index=False, sep=sep)
    columns = (["a, b", "word"], "t")
    guessed = pd.read_csv(io.StringIO(content), sep=sep)
    read_here = dataset_in(content.encode(), "table.csv", *columns, Dialect(sep=sep, decimal="."))
    assert read_here.digest == Dataset.from_frame(guessed, *columns).digest


# --- whatever the bytes ---

some_cells = st.one_of(
    st.sampled_from(
        ["", "1", "-2.5", "nan", "yes", " ", '"', "a\nb", "1_0", "é", "27,9", "1.234,5", "#", ";"]
    ),
    st.floats(allow_nan=False).map(repr),
    st.text(max_size=4),
)


def read_or_refused(content, **told):
    """The columns in these bytes, or None where they are refused; any other exception is a failure."""
    try:
        return read(content, **told)
    except InputError:
        return None


@given(st.one_of(st.binary(), st.binary().map(lambda tail: b"a,b\n1,2\n" + tail)))
def test_any_bytes_give_a_table_or_a_refusal(content):
    table = read_or_refused(content)
    assert table is None or len(table.frame) == len(table.lines) > 0


@given(
    st.lists(st.tuples(some_cells, some_cells), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_any_table_gives_its_cells_or_a_refusal(rows, ending, sep):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ending, delimiter=sep, quoting=csv.QUOTE_ALL).writerows(
        [("a", "b"), *rows]
    )
    written = [[cell.strip() for cell in row] for row in rows]
    while written and not any(written[-1]):
        written.pop()
    content = text.getvalue().encode("utf-8", "surrogatepass")
    table = read_or_refused(content, sep=sep, decimal=".")
    if table is not None:
        assert table.frame.to_numpy().tolist() == written
