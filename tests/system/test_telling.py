"""What happens when people cannot be told: nothing to the work, and an exit code that says what is there."""

import errno
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from alone import compare_alone
from uncompiled import forget_kernels

import fastnn
from fastnn import studies
from fastnn.commands.cli import main
from fastnn.engines import compiling
from fastnn.system import background, telling
from fastnn.system.progress import Progress

QUICK = ["--data", "simulated", "--epochs", "2"]
NETWORK = fastnn.Network((2, 2, 1))
FULL = Path("/dev/full")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("FASTNN_DATA", raising=False)


class WriteOnly:
    """What an editor or a windowed program may put in the place of standard error."""

    def __init__(self, error=None):
        self.error, self.text = error, ""

    def write(self, text):
        if self.error is not None:
            raise self.error
        self.text += text


class Terminal(WriteOnly):
    """One that says that somebody watches."""

    def isatty(self):
        return True

    def flush(self):
        raise self.error


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def detached():
    stream = io.TextIOWrapper(io.BytesIO())
    stream.detach()
    return stream


def into_nobody():
    """A pipe whose reader has left."""
    read, written = os.pipe()
    os.close(read)
    return open(written, "w")  # noqa: PTH123


def full_pipe():
    """A pipe that does not block, and is full."""
    read, written = os.pipe()
    os.set_blocking(written, False)
    try:
        while True:
            os.write(written, bytes(1 << 16))
    except BlockingIOError:
        pass
    stream = open(written, "w")  # noqa: PTH123, SIM115
    stream.unread = read
    return stream


def full_disk():
    return FULL.open("w")


ERRORS = [
    OSError(errno.EIO, "gone"),
    ValueError("closed"),
    RuntimeError("wrapped C++ object has been deleted"),
    UnicodeEncodeError("cp932", "²", 0, 1, "no"),
    BlockingIOError(errno.EAGAIN, "full"),
    BrokenPipeError(errno.EPIPE, "left"),
]
STREAMS = {
    "none": lambda: None,
    "object": object,
    "write only": WriteOnly,
    "closed": closed,
    "detached": detached,
    "no reader": into_nobody,
    "full pipe": full_pipe,
    **{f"{type(error).__name__}": lambda error=error: WriteOnly(error) for error in ERRORS},
    **{f"terminal, {type(error).__name__}": lambda error=error: Terminal(error) for error in ERRORS},
    **({"full disk": full_disk} if FULL.exists() else {}),
}

OF_EACH_SORT = ("none", "closed", "full pipe", "OSError", "terminal, OSError")  # for what takes long


@pytest.fixture(params=STREAMS)
def broken(request):
    """Makes standard error and output those of a kind that cannot be used, for a while."""

    @contextmanager
    def during(ours=True):
        # Not when the fixture is set up: pytest puts its own in their places after that.
        stream, kept = STREAMS[request.param](), (sys.stderr, sys.stdout)
        unread = getattr(stream, "unread", None)
        try:
            # What is asked for waits for the reader of a full pipe.
            sys.stderr, sys.stdout = stream, None if unread else stream
            yield stream
        finally:
            sys.stderr, sys.stdout = kept
            if isinstance(stream, io.TextIOWrapper) and request.param != "detached":
                with suppress(*([] if ours else [OSError])):
                    stream.close()  # raises nothing: nothing of ours is left in its buffer
            if unread:
                os.close(unread)

    during.kind = request.param
    return during


def data():
    return fastnn.load_insurance(simulated=True)


class TestLibrary:
    @pytest.mark.parametrize("progress", [None, False, True])
    def test_a_sweep_gives_the_same(self, broken, progress):
        table = data()
        with broken():
            found = fastnn.sweep(NETWORK, table.X, table.y, networks=40, epochs=2, progress=progress)
        assert len(found) == 40
        assert np.isfinite(found.loss).all()

    def test_a_stored_sweep_and_what_it_goes_on_with(self, broken):
        table = data()
        for _ in range(2):
            with broken():
                found = fastnn.sweep(
                    NETWORK, table.X, table.y, networks=9, epochs=2, progress=True, store="s"
                )
            assert len(found) == 9

    @pytest.mark.parametrize("broken", OF_EACH_SORT, indirect=True)
    def test_studies_are_trained(self, broken):
        experiment = studies.Experiment(data(), networks=2, epochs=2)
        with broken():
            experiment.prepare(True)
        assert len(experiment._trained) > 10

    def test_the_note_of_the_stand_in(self, broken, monkeypatch):
        def show(message, category, filename, lineno, file=None, line=None):
            """Show it as Python does, where pytest would keep it."""
            sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))

        monkeypatch.setattr(warnings, "showwarning", show)
        with warnings.catch_warnings(), broken(ours=False) as stream:
            warnings.simplefilter("always")
            rows = fastnn.load_insurance().rows
        assert rows == 1338
        assert ("using a simulated stand-in" in getattr(stream, "text", "")) == (broken.kind == "write only")

    def test_a_handler_of_the_logger(self, broken, monkeypatch):
        monkeypatch.setattr(logging.getLogger("fastnn"), "propagate", False)
        monkeypatch.setattr(logging.getLogger("fastnn"), "handlers", [])
        with broken(ours=False):  # the logger's last resort is standard error
            telling.log(logging.WARNING, "fastnn: %s", "failed its self-check")

    def test_words_are_dropped(self, broken):
        with broken() as stream:
            telling.tell("words")
            telling.say("words")
        assert getattr(stream, "text", "") == ("words\nwords\n" if broken.kind == "write only" else "")

    def test_what_was_asked_for_is_missed(self, broken):
        lost = None
        with broken():
            try:
                telling.give("results")
            except telling.OutputError as error:
                lost = str(error)
        heard = ("write only", "no reader", "BrokenPipeError", "terminal, BrokenPipeError")
        if broken.kind in heard:
            assert lost is None
        else:
            assert re.match("standard output could not be written: .", lost)


def test_a_warning_that_is_an_error_is_raised():
    with pytest.raises(RuntimeWarning, match="undone"):
        telling.warn("undone", RuntimeWarning)


def test_a_warning_names_the_line_that_called():
    with pytest.warns(UserWarning, match="here") as caught:
        telling.warn("here", UserWarning)
    assert caught[0].filename == __file__


class TestSigns:
    @pytest.mark.parametrize(
        ("encoding", "printed"),
        [
            ("utf-8", "R² 0.1, ŷ ≤ 2 … ∂ Größe 年"),
            ("ascii", "R2 0.1, yhat <= 2 ... d Gr\\xf6\\xdfe \\u5e74"),
            ("latin-1", "R² 0.1, yhat <= 2 ... d Größe \\u5e74"),
            ("cp1252", "R² 0.1, yhat <= 2 … d Größe \\u5e74"),
            ("cp932", "R2 0.1, yhat <= 2 … ∂ Gr\\xf6\\xdfe 年"),
            ("utf-16", "R² 0.1, ŷ ≤ 2 … ∂ Größe 年"),
        ],
    )
    def test_are_plain_where_an_encoding_has_them_not(self, monkeypatch, encoding, printed):
        with open("said", "w", encoding=encoding, newline="") as stream:  # noqa: PTH123
            monkeypatch.setattr(sys, "stdout", stream)
            telling.give("R² 0.1, ŷ ≤ 2 … ∂ Größe 年")
            telling.give("again")
        assert Path("said").read_bytes() == f"{printed}{os.linesep}again{os.linesep}".encode(encoding)

    def test_in_an_object_that_refuses_them(self, monkeypatch):
        stream = io.TextIOWrapper(io.BytesIO(), "ascii", newline="")
        stream.reconfigure(write_through=True)

        class Other:
            encoding = "ascii"

            def write(self, text):
                stream.write(text)

        monkeypatch.setattr(sys, "stdout", Other())
        telling.give("R²")
        assert stream.buffer.getvalue() == b"R2\n"

    def test_half_a_character(self, monkeypatch):
        with open("said", "w", encoding="utf-8") as stream:  # noqa: PTH123
            monkeypatch.setattr(sys, "stdout", stream)
            telling.give("caf\udce9")
        assert Path("said").read_text() == "caf\\udce9\n"


def shell(arguments, redirect="", **environment):
    """Run Python under a shell that redirects: its exit code, output and errors."""
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" "$@" {redirect}', "python", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def command_line(*arguments, redirect=""):
    """Run the command line in a process of its own."""
    return shell(["-m", "fastnn", *arguments], redirect)


COMMANDS = """
import json, sys
from fastnn.commands.cli import main

each = json.loads(sys.argv[1])
if any(arguments[0] == "sweep" for arguments in each):
    from undrawn import leave_undrawn

    leave_undrawn()
sys.exit(max(map(main, each)))
"""


def commands(*each, redirect="", **environment):
    """Run the command line several times in one process, with pages whose pictures are empty."""
    path = os.pathsep.join(sys.path)
    return shell(["-c", COMMANDS, json.dumps(each)], redirect, PYTHONPATH=path, **environment)


LOST = "fastnn: standard output could not be written: No space left on device\n"
needs_a_full_disk = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, which Linux has")


class TestCommandLine:
    @needs_a_full_disk
    @pytest.mark.parametrize(
        "arguments",
        [
            ["code"],
            ["--help"],
            ["sweep", "--help"],
            ["--version"],
            ["explain"],
            ["cache"],
            ["train", *QUICK],
            ["train", *QUICK, "--save", "m.npz", "--json"],
        ],
    )
    def test_output_that_was_asked_for_and_is_lost_is_a_failure(self, arguments, monkeypatch, capfd):
        with FULL.open("w") as full:
            monkeypatch.setattr(sys, "stdout", full)
            assert main(arguments) == 1
        assert capfd.readouterr().err == LOST

    @needs_a_full_disk
    @pytest.mark.parametrize("arguments", [["code"], pytest.param(["--help"], marks=pytest.mark.slow)])
    def test_so_it_is_for_an_interpreter_that_ends(self, arguments):
        assert command_line(*arguments, redirect="> /dev/full") == (1, "", LOST)

    @needs_a_full_disk
    @pytest.mark.parametrize(
        "redirect", ["> /dev/full 2> /dev/full", pytest.param(">&- 2>&-", marks=pytest.mark.slow)]
    )
    def test_so_it_is_where_that_cannot_be_told(self, redirect):
        assert command_line("code", redirect=redirect) == (1, "", "")

    @needs_a_full_disk
    @pytest.mark.parametrize(
        "redirect",
        [
            "> /dev/full",
            pytest.param(">&- 2>&-", marks=pytest.mark.slow),
        ],
    )
    def test_results_in_files_are_there_whatever_can_be_said(self, redirect):
        options = [*QUICK, "--engine", "batched"]  # which compiles nothing
        codes, _, err = commands(
            ["sweep", *options, "--networks", "5", "--out", "here"],
            ["train", *options, "--save", "m.npz"],
            redirect=redirect,
        )
        assert codes == 0
        assert "Exception ignored" not in err
        assert len(pd.read_parquet("here/sweep.parquet")) == 5
        assert Path("here/index.html").is_file()
        assert fastnn.Training.load("m.npz").epochs == 2

    @needs_a_full_disk
    def test_an_error_that_cannot_be_told_keeps_its_exit_code(self):
        assert command_line("code", "--layers", "x", redirect="2> /dev/full")[0] == 2
        assert command_line("swep", redirect="2>&-")[0] == 2

    def test_a_reader_that_leaves_had_what_it_wanted(self):
        code, out, err = command_line(
            "code", "--layers", "9,9,1", redirect='| head -n 1; exit "${PIPESTATUS[0]}"'
        )
        assert (code, err, out.count("\n")) == (0, "", 1)
        assert out.startswith("from numpy import")

    def test_a_slow_reader_of_a_pipe_that_does_not_block_gets_all(self):
        read, written = os.pipe()
        os.set_blocking(written, False)
        script = "from fastnn.system.telling import give; give('results ' * 100_000)"
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, stdout=written, stderr=subprocess.PIPE, text=True) as process:
            os.close(written)
            with open(read, encoding="utf-8") as pipe:  # noqa: PTH123
                out = pipe.read()
            assert process.communicate()[1] == ""
        assert process.returncode == 0
        assert out == "results " * 100_000 + "\n"

    @pytest.mark.parametrize("encoding", ["ascii", "cp932", "cp1252", "utf-8"])
    @pytest.mark.parametrize("form", ["html", "latex"])
    def test_a_document_is_of_the_encoding_that_it_names(self, encoding, form, monkeypatch):
        document = ["explain", "--format", form]
        assert main([*document, "--out", "it"]) == 0
        with open("said", "w", encoding=encoding) as stream:  # noqa: PTH123
            monkeypatch.setattr(sys, "stdout", stream)
            assert main(document) == 0
        assert Path("said").read_text(encoding="utf-8") == Path("it").read_text(encoding="utf-8")

    @pytest.mark.parametrize("encoding", ["ascii", "cp932", "cp1252", "latin-1", "utf-16"])
    def test_every_encoding_prints_something(self, encoding, monkeypatch, undrawn):
        for arguments in of_odd_names():
            with open("said", "w", encoding=encoding) as out, open("told", "w", encoding=encoding) as err:  # noqa: PTH123
                monkeypatch.setattr(sys, "stdout", out)
                monkeypatch.setattr(sys, "stderr", err)
                assert main(arguments) == 0
            assert Path("told").read_bytes() in (b"", "".encode(encoding))
            said = Path("said").read_text(encoding)
            assert "R2" in said.replace("²", "2") or arguments == ["explain"]
        assert Path("größe.npz").is_file()
        assert Path("p/sweep.parquet").is_file()

    def test_an_interpreter_prints_something_in_the_encoding_it_is_given(self):
        document = ["explain", "--format", "html"]
        train, _, *helped = of_odd_names()  # without the sweep, whose page takes long
        encoding = {"PYTHONIOENCODING": "cp932", "PYTHONUTF8": "0"}
        done = subprocess.run(
            [sys.executable, "-c", COMMANDS, json.dumps([train, *helped, document])],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **encoding},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        words, begin, page = done.stdout.partition(b"<!doctype html>")
        assert "R2" in words.decode("cp932")
        assert "Größe".encode("cp932", "backslashreplace").lower() in words.lower()
        assert begin
        assert "∂" in page.decode("utf-8")
        assert Path("größe.npz").is_file()


def of_odd_names():
    """Commands about a table whose names few encodings hold."""
    Path("größe.csv").write_text("年齢,ö,ciena €\n" + "1,2,3\n2,3,5\n" * 4, encoding="utf-8")
    data = ["--data", "größe.csv", "--inputs", "年齢,ö", "--target", "ciena €", "--epochs", "2"]
    data += ["--engine", "batched"]  # which compiles nothing
    return [
        ["train", *data, "--save", "größe.npz"],
        ["sweep", *data, "--networks", "3", "--out", "p", "--no-progress"],
        ["explain"],
        ["train", "--help"],
    ]


class TestProgress:
    def test_a_bar_that_cannot_be_drawn_costs_no_result(self, monkeypatch):
        stream = Terminal(OSError(errno.EIO, "the terminal has gone"))
        monkeypatch.setattr(sys, "stderr", stream)
        table = data()
        assert len(fastnn.sweep(NETWORK, table.X, table.y, networks=5, epochs=1)) == 5

    def test_without_tqdm(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "tqdm", None)
        monkeypatch.setattr(sys, "stderr", Terminal())
        with Progress(10, 0, None) as progress:
            progress.begin()
            progress.reached(10)
        assert progress.done == 10


def carriages_returned(seen):
    """What is seen of a text on a terminal, line by line, as carriage returns leave it."""
    found = []
    for line in seen.decode().split("\n"):
        written = ""
        for text in line.split("\r"):
            written = text + written[len(text) :]
        found.append(written.rstrip())
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.usefixtures("undrawn")
class TestTerminal:
    @contextmanager
    def terminal(self, columns):
        """A terminal: a descriptor that writes to it, and the list of what was written until it is closed."""
        import pty
        import termios

        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        seen = []

        def read():
            with suppress(OSError):  # how the end of a terminal shows
                while piece := os.read(ours, 4096):
                    seen.append(piece)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield theirs, seen
        finally:
            with suppress(OSError):  # closed already
                os.close(theirs)
            reader.join()
            os.close(ours)

    def lines(self, *arguments, columns=80):
        """What is seen on a terminal of 80 columns, line by line."""
        with (
            self.terminal(columns) as (theirs, seen),
            open(theirs, "w") as stream,  # noqa: PTH123
            open(os.devnull, "w") as nowhere,  # noqa: PTH123
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(sys, "stderr", stream)
            patch.setattr(sys, "stdout", nowhere)
            assert main(arguments) == 0
        return carriages_returned(b"".join(seen))

    def test_the_estimate_has_a_line_of_its_own_and_the_bar_another(self):
        first, *rest = self.lines("sweep", "--data", "simulated", "--networks", "3000", "--out", "p")
        assert re.fullmatch(r"3 000 networks, about [\d.]+ m?s on \d+ threads?, .* of memory", first)
        assert all("about" not in line for line in rest)
        assert re.match(r"100%\|█+\| 3000/3000 \[.* networks/s\]$", rest[-2])
        assert rest[-1] == ""

    def test_a_terminal_that_does_not_know_its_width_has_a_bar(self):
        found = self.lines("sweep", "--data", "simulated", "--networks", "300", "--out", "p", columns=0)
        assert found[-2].startswith("100%|█")

    def test_a_note_comes_before_the_bar(self):
        note, estimate, *_ = self.lines("sweep", "--networks", "300", "--epochs", "3", "--out", "p")
        assert note.startswith("note: no published insurance.csv")
        assert estimate.startswith("300 networks, about ")

    def test_a_short_training_shows_no_bar(self):
        assert self.lines("train", *QUICK) == [""]

    def test_studies_count_their_sweeps(self, monkeypatch):
        compare_alone(monkeypatch)
        found = self.lines("studies", *QUICK[:2], "--networks", "20")
        assert any(re.match(r"sweep 1?\d of \d\d: ", line) for line in found)


@pytest.fixture
def clock(monkeypatch):
    """How often a kernel is waited for, before and while the time is taken; none is compiled yet."""
    came, now = {"before": 0, "while it runs": 0}, ["before"]
    sweeping, compiled = sys.modules["fastnn.sweeping.sweep"], compiling._compiled

    def counted(*arguments):
        came[now[0]] += threading.current_thread().name != "fastnn background"
        return compiled(*arguments)

    class Clock(Progress):
        def begin(self):
            super().begin()
            now[0] = "while it runs"

        def __exit__(self, *why):
            now[0] = "before"

    monkeypatch.setattr(compiling, "_compiled", counted)
    monkeypatch.setattr(sweeping, "Progress", Clock)
    forget_kernels(monkeypatch)
    return came


@pytest.mark.parametrize(
    ("layers", "settings"),
    [
        ((2, 2, 1), {"networks": 4000, "epochs": 300}),  # of which some are reduced to one unit
        ((2, 2, 1), {"networks": 1, "learning_rate": [0.01, 0.02, 0.03]}),  # blocks of one
        ((2, 2, 1), {"networks": 1}),
        ((2, 2, 1), {"networks": 9, "engine": "loop"}),
        ((2, 2, 1), {"networks": 300, "store": "s"}),
    ],
)
def test_no_time_that_is_told_holds_compiling(layers, settings, clock):
    table, options = data(), {"epochs": 3, "progress": False, "workers": 2} | settings
    fastnn.sweep(fastnn.Network(layers), table.X, table.y, **options)
    background.finish()
    assert clock["before"] >= 1
    assert clock["while it runs"] == 0
