"""The options of the command line that say which data: files in any dialect, columns of any name."""

import gzip
import json
import re
from pathlib import Path

import pytest

import fastnn
from fastnn.commands import cli

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

GERMAN = "Größe, cm;Ort;Preis\n27,9;Graz;1.234,5\n30,1;Wien;2.000\n33;Linz;3.000,25\n29,5;Graz;1.500\n"
CODES = "zip,y1,y2\n01,1,2\n1,2,1\n01,1,3\n02,2,2\n"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("de.csv").write_text(GERMAN, encoding="utf-8")
    Path("codes.csv").write_text(CODES, encoding="utf-8")


def run(capsys, *arguments):
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def trained(capsys, *arguments):
    """The network that `fastnn train` kept."""
    code, _, err = run(capsys, "train", "--epochs", "2", "--save", "model.npz", *arguments)
    assert code == 0, err
    return fastnn.Training.load("model.npz")


def refused(capsys, *arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    return err


@pytest.mark.parametrize(
    "inputs",
    [
        ["--inputs", '"Größe, cm",Ort'],
        ["--inputs", 'Ort, "Größe, cm"'],
        ["--inputs", '"Größe, cm"', "--inputs", "Ort"],
    ],
)
def test_names_with_commas_are_quoted_or_given_one_by_one(capsys, inputs):
    model = trained(capsys, "--data", "de.csv", *inputs, "--target", "Preis")
    assert set(model.scaling.inputs) == {"Größe, cm", "Ort=Graz", "Ort=Linz", "Ort=Wien"}
    assert model.network.layers == (4, 2, 1)  # as many as the columns became
    assert float(model.scaling.y.minimum) == 1234.5


def test_several_targets_are_given_one_by_one(capsys):
    options = ["--data", "codes.csv", "--inputs", "zip", "--target", "y1", "--target", "y2"]
    model = trained(capsys, *options)
    assert model.scaling.targets == ("y1", "y2")
    assert model.network.layers == (1, 2, 2)


def test_codes_with_zeros_in_front_survive_the_way_through_model_file_and_table(capsys):
    model = trained(capsys, "--data", "codes.csv", "--inputs", "zip", "--target", "y1", "--categories", "zip")
    assert model.scaling.categories == {"zip": ("01", "1", "02")}
    Path("new.txt").write_text("other\tzip\nx\t02\ny\t01\nz\t1\n")
    code, out, _ = run(capsys, "predict", "model.npz", "--data", "new.txt", "--json")
    assert code == 0
    coded = model.scaling.X.apply([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    assert json.loads(out)["predictions"] == model.scaling.invert(model.predict(coded)).tolist()
    Path("new.txt").write_text("zip\n3\n")
    assert "must hold the categories of training, 01, 1, 02" in refused(
        capsys, "predict", "model.npz", "--data", "new.txt"
    )


def test_an_explanation_in_motion_takes_the_layers_from_the_data(capsys):
    options = ["--data", "codes.csv", "--inputs", "zip,y1", "--target", "y2", "--categories", "zip"]
    assert run(capsys, "explain", "--motion", "--format", "html", "--out", "x.html", *options)[0] == 0
    assert "Network((4, 2, 1)" in Path("x.html").read_text(encoding="utf-8")


def test_an_order_of_categories(capsys):
    options = ["--data", "de.csv", "--inputs", "Ort", "--target", "Preis"]
    model = trained(capsys, *options, "--ordered", "Ort=Linz,Graz,Wien")
    assert model.scaling.inputs == ("Ort",)
    assert model.scaling.categories == {"Ort": ("Linz", "Graz", "Wien")}
    Path("sizes.csv").write_text('"size, cut",y\nS,1\nL,2\nM,3\n')
    options = ["--data", "sizes.csv", "--inputs", '"size, cut"', "--target", "y"]
    model = trained(capsys, *options, "--ordered", "size, cut=S,M,L")
    assert model.scaling.categories == {"size, cut": ("S", "M", "L")}
    Path("eq.csv").write_text('"a=b",y\n"S, M",1\nL,2\n"S, M",3\n')
    options = ["--data", "eq.csv", "--inputs", "a=b", "--target", "y", "--ordered", '"a=b"="S, M",L']
    assert trained(capsys, *options).scaling.categories == {"a=b": ("S, M", "L")}


def test_what_a_file_is_like_may_be_named(capsys):
    Path("own.txt").write_bytes(gzip.compress("1~2,5~ä\n3~4~ö\n5~6,25~ä\n".encode("latin-1")))
    told = ["--sep", "~", "--decimal", "comma", "--encoding", "latin-1", "--no-header"]
    model = trained(capsys, "--data", "own.txt", "--inputs", "x1,x3", "--target", "x2", *told)
    assert model.scaling.inputs == ("x1", "x3")
    assert model.scaling.categories == {"x3": ("ä", "ö")}
    assert run(capsys, "predict", "model.npz", "--data", "own.txt", *told)[0] == 0
    assert "--encoding latin-1" in refused(capsys, "predict", "model.npz", "--data", "own.txt")


def test_rows_with_a_missing_cell_are_dropped_when_asked(capsys):
    Path("own.csv").write_text("a,y\n1,2\nNA,3\n4,5\n")
    options = ["train", "--epochs", "2", "--data", "own.csv", "--inputs", "a", "--target", "y"]
    assert "--missing drop" in refused(capsys, *options)
    code, out, _ = run(capsys, *options, "--missing", "drop")
    assert code == 0
    assert "1 more row dropped" in out


@pytest.mark.parametrize("command", ["train", "sweep", "studies", "compare"])
def test_every_command_that_takes_data_takes_these_options(capsys, command):
    options = ["--data", "de.csv", "--inputs", "Ort", "--target", "Preis", "--sep", "~"]
    assert "de.csv" in refused(capsys, command, *options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--inputs", "Grösse", "--target", "Preis"], "got 'Grösse'. Did you mean 'Größe, cm'"),
        (["--inputs", "Größe, cm", "--target", "Preis"], "(on the command line '\"Größe, cm\"')"),
        (["--inputs", "ort", "--target", "Preis"], "got 'ort'. Did you mean 'Ort'? It has 'Größe, cm'"),
        (["--inputs", "Ort,", "--target", "Preis"], "--inputs must be names separated by commas"),
        (["--inputs", '"Ort', "--target", "Preis"], "--inputs must be names separated by commas"),
        (["--inputs", "Ort", "--target", "Preis", "--ordered", "Ort"], "--ordered must be a column and its"),
        (["--inputs", "Ort", "--target", "Preis", "--sep", "ab"], "sep must be one character"),
    ],
)  # fmt: skip
def test_refused_options(capsys, options, message):
    assert message in refused(capsys, "train", "--data", "de.csv", *options)


def test_a_table_that_is_no_file_has_no_dialect(capsys):
    assert "--no-header gives the format of a file" in refused(capsys, "train", "--no-header")


def test_predict_names_the_column_that_is_missing(capsys):
    trained(capsys, "--data", "de.csv", "--inputs", '"Größe, cm",Ort', "--target", "Preis")
    Path("new.csv").write_text("Größe cm;Ort\n27,9;Graz\n", encoding="utf-8")
    err = refused(capsys, "predict", "model.npz", "--data", "new.csv")
    assert "new.csv must have the column 'Größe, cm' of training once; got 0 of that name" in err
    assert "Did you mean 'Größe cm'?" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "nope.csv"], "--data must be an existing file, or insurance, .*; got 'nope.csv'"),
        (["--data", "insuranc"], r"got 'insuranc' \(did you mean insurance\?\)"),
        (
            ["--data", ".", "--inputs", "x", "--target", "y"],
            "--data must be an existing file; got '.': a folder",
        ),
        (
            ["--data", "{own}", "--inputs", "agee", "--target", "y"],
            "--inputs must name columns of .*got 'agee'",
        ),
        (
            ["--data", "{own}", "--inputs", "age", "--target", "z"],
            r"--inputs must .*mean 'age, years' .*'\"age",
        ),
        (
            ["--data", "{own}", "--inputs", "x", "--target", "z"],
            "--target must .*It has x, 'age, years', y, 'a",
        ),
        (["--data", "{own}", "--inputs", "x", "--target", "y", "--sep", ";;"], "--sep must be one character"),
        (["--learning-rate", "-1"], "--learning-rate must be positive"),
        (["--layers", "3,2,1"], "--layers must begin with the 2 inputs .*got 3,2,1. Write --layers 2,2,1"),
    ],
)
def test_refusals_name_the_option_that_was_typed(capsys, tmp_path, options, message):
    own = tmp_path / "own.csv"
    own.write_text('x,"age, years",y,a\x1b[31m\n1,2,3,4\n4,5,6,7\n')
    code = cli.main(["train", *(option.format(own=own) for option in options)])
    assert code == 2
    told = capsys.readouterr().err
    assert re.match(f"(?s)fastnn: .*{message}", told)
    assert "\x1b" not in told


def test_predict_names_the_model_file(capsys):
    assert cli.main(["predict", "nope.npz", "--data", "new.csv"]) == 2
    assert "fastnn: FILE must be an existing file; got 'nope.npz'" in capsys.readouterr().err
