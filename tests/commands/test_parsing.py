"""How the command line reads what people type: numbers, ranges, typing errors, calls for help."""

import shutil
import subprocess
import sys

import pytest

from fastnn.checking import InputError
from fastnn.commands.cli import main
from fastnn.commands.parsing import numbers, numbers_or_none, whole, whole_numbers
from fastnn.version import __version__


def run(capsys, *arguments):
    """Run the command line in this process: (exit code, standard output, standard error)."""
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10000", 10_000),
        ("1e6", 10**6),
        ("1E6", 10**6),
        ("1.5e3", 1500),
        ("1_000_000", 10**6),
        ("10 000", 10**4),
        ("18446744073709551615", 2**64 - 1),
        ("-3", -3),
        ("2.0", 2),
    ],
)
def test_whole_numbers_are_read_as_people_write_them(text, value):
    assert whole(text) == value


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("1,000,000", "write 1000000"),
        ("1.5", "write it like 10000 or 1e4"),
        ("10k", "write it like"),
        ("", "write it like"),
        ("nan", "write it like"),
        ("1e999999999", "write it like"),
        ("inf", "write it like"),
    ],
)
@pytest.mark.parametrize(
    "option", ["--networks", "--epochs", "--seed", "--workers", "--processes", "--curves"]
)
def test_what_is_no_whole_number_is_refused_with_advice(capsys, option, text, advice):
    code, out, err = run(capsys, "sweep", f"{option}={text}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(
        f"fastnn sweep: argument {option}: it must be a whole number; got {text!r}: {advice}"
    )


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("--processes 0", "--processes must be a whole number from 1 to"),
        ("--workers 0", "--workers must be a whole number from 1 to"),
        ("--epochs 0", "--epochs must be a whole number from 1"),
        ("--learning-rate 0.1,0.1", "--learning-rate must name each value once"),
        ("--learning-rate 0", "--learning-rate must be positive"),
        ("--start uniform:2,1", "--start: low must be below high"),
        ("--start normal:0,-1", "--start: sd must not be below 0"),
        ("--layers 2,0,1", "each of --layers must be a whole number"),
        ("--layers 3,4,4,1", "--layers must begin with the 2 inputs of the data"),
        ("--layers 2,4,3", "--layers must begin with the 2 inputs of the data"),
        ("--hidden relo", "--hidden must be one of"),
        ("--inputs age,bmj", "--inputs must name columns"),
        ("--target chargs", "--target must name columns"),
        ("--store s --curves 0", "--curves must be a whole number from 1"),
        ("--dask=", "--dask must be an address"),
        ("--learning-rate 0.1..0.5:3", "--learning-rate must be numbers separated by commas"),
    ],
)
def test_a_refusal_names_the_option_that_was_typed(capsys, tmp_path, monkeypatch, typed, complaint):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "sweep", "--data", "simulated", "--networks", "2", *typed.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"fastnn: {complaint}")


def test_divergence_that_is_not_to_be_is_told_of_in_options(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = (
        "--data simulated --networks 2 --epochs 2 --learning-rate 90 --on-divergence raise --no-progress"
    )
    code, _, err = run(capsys, "sweep", *options.split())
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("fastnn: --on-divergence raise requires that no network diverges; network 0 did")
    assert err.endswith("or record divergence: --on-divergence record.\n")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.005,0.01", [0.005, 0.01]),
        ("log:1e-4..1:5", [1e-4, 1e-3, 1e-2, 1e-1, 1.0]),
        ("lin:0.01..0.05:5", [0.01, 0.02, 0.03, 0.04, 0.05]),
        ("0.2,log:0.001..0.1:3,7", [0.2, 0.001, 0.01, 0.1, 7.0]),
        ("log:1..1e-2:3", [1.0, 0.1, 0.01]),
        ("lin:-1..1:3", [-1.0, 0.0, 1.0]),
        ("-1,2e3", [-1.0, 2000.0]),
    ],
)
def test_lists_and_ranges(text, values):
    assert numbers(text, "--learning-rate") == values


def test_ranges_of_whole_numbers():
    assert whole_numbers("lin:30..1338:3,1e2", "--rows") == [30, 684, 1338, 100]
    assert whole_numbers("log:1..100:3", "--rows") == [1, 10, 100]
    assert whole_numbers("lin:1..3:9", "--rows") == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "log:0..1:5",
        "log:-1..1:3",
        "lin:0..1:1",
        "log:1e-4..1",
        "log:1..x:3",
        "lin:0..1:1e9",
        "0.1;0.2",
        "0.1,",
    ],
)
def test_ranges_that_are_none(text):
    with pytest.raises(
        InputError, match=r"^--learning-rate must (be numbers|have ranges) .*\. Write them like"
    ):
        numbers(text, "--learning-rate")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0,005", "0.005"),
        ("0,005,0,01", "0.005,0.01"),
        ("0.1,0,005", "0.1,0.005"),
        ("0,5", "0.5"),
        ("1,05", "1.05"),
    ],
)
def test_a_decimal_comma_is_no_list(capsys, text, written):
    code, _, err = run(capsys, "sweep", "--data", "simulated", "--learning-rate", text)
    assert (code, err.count("\n")) == (2, 1)
    assert f"must be written with decimal points; got '{text}'. Write {written}." in err


@pytest.mark.parametrize("command", ["train", "compare", "explain"])
def test_a_decimal_comma_where_there_is_one_number(capsys, command):
    code, _, err = run(capsys, command, "--learning-rate", "0,005")
    assert (code, err.count("\n")) == (2, 1)
    assert "argument --learning-rate: it must be one number; got '0,005': write 0.005" in err


def test_a_value_may_begin_with_a_minus(capsys):
    code, out, _ = run(capsys, "explain", "--start", "-1,2,3,-4,.5,6,-7e-1,8,9", "--row", "-.5,1,-2")
    assert code == 0
    assert "-0.5" in out


TYPING_ERRORS = {
    "command": (["swep"], "invalid choice: 'swep' (did you mean sweep?)"),
    "command, capitals": (["SWEEP"], "(did you mean sweep?)"),
    "option": (
        ["sweep", "--netwroks", "3"],
        "unrecognized arguments: --netwroks 3 (did you mean --networks?)",
    ),
    "option with a value": (["sweep", "--netwroks=3"], "(did you mean --networks?)"),
    "option, cut short": (
        ["sweep", "--learn", "3"],
        "unrecognized arguments: --learn 3 (did you mean --learning-rate?)",
    ),
    "option, underscore": (["train", "--learning_rate", "3"], "(did you mean --learning-rate?)"),
    "choice": (["train", "--engine", "lane"], "invalid choice: 'lane' (did you mean lanes?)"),
    "action": (["store", "inf", "s"], "invalid choice: 'inf' (did you mean info?)"),
    "name": (["code", "--hidden", "rlu"], "got 'rlu' (did you mean relu?)"),
    "start": (
        ["sweep", "--data", "simulated", "--start", "nomal:0,1"],
        "'nomal:0,1' (did you mean normal?)",
    ),
    "help of": (["help", "swep"], "(did you mean sweep?)"),
    "options first": (
        ["--seed", "3", "sweep"],
        "must be given a command first; got --seed. Write fastnn COMMAND",
    ),
    "like nothing": (["sweep", "--qqq"], "unrecognized arguments: --qqq (see fastnn sweep --help)"),
}


@pytest.mark.parametrize(("arguments", "hint"), TYPING_ERRORS.values(), ids=TYPING_ERRORS.keys())
def test_typing_errors_are_met_with_what_was_meant(capsys, arguments, hint):
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert hint in err


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        ([], "usage: fastnn [-h]"),
        (["help"], "usage: fastnn [-h]"),
        (["-h"], "usage: fastnn [-h]"),
        (["help", "sweep"], "usage: fastnn sweep"),
        (["help", "store", "export"], "usage: fastnn store export"),
        (["store"], "usage: fastnn store [-h]"),
        (["store", "info", "--help"], "usage: fastnn store info"),
    ],
)
def test_help(capsys, arguments, usage):
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert out.startswith(usage)


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(capsys, option):
    assert run(capsys, option) == (0, f"fastnn {__version__}\n", "")


class TestCompletion:
    def test_without_the_library_it_says_what_to_install(self, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "shtab", None)
        code, _, err = run(capsys, "completion", "bash")
        assert code == 2
        assert 'pip install "fastnn-sweep[completion]"' in err

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_scripts_know_commands_and_options(self, capsys, shell):
        pytest.importorskip("shtab", reason="needs shtab")
        code, out, err = run(capsys, "completion", shell)
        assert (code, err) == (0, "")
        for word in ("sweep", "learning-rate", "lanes"):
            assert word in out

    @pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
    def test_bash_completes(self, capsys):
        pytest.importorskip("shtab", reason="needs shtab")
        script = run(capsys, "completion", "bash")[1]
        asked = 'COMP_WORDS=(fastnn sweep --netw); COMP_CWORD=2; _shtab_fastnn; echo "${COMPREPLY[@]}"'
        done = subprocess.run(
            ["bash", "-c", f"{script}\n{asked}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["--networks"]


def test_numbers_or_none():
    assert numbers_or_none("none, 0.5,lin:1..2:2", "--clip") == [None, 0.5, 1.0, 2.0]
    assert numbers_or_none("none", "--clip") == [None]
    for text in ("none,0,05", "", "none,", "None", "x,none"):
        with pytest.raises(InputError, match="--clip must be"):
            numbers_or_none(text, "--clip")
