"""What is read is a regular file of bounded length: nothing else is waited for or taken into memory."""

import os
import socket

import numpy as np
import pytest

import fastnn
from fastnn.reporting import published_folder
from fastnn.system.regular_files import PIECE, bytes_of, opened, pieces_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has none of these in a file's place")

READERS = {
    "load_csv": lambda path: fastnn.load_csv(path, "a", "y"),
    "load_insurance": fastnn.load_insurance,
    "Training.load": fastnn.Training.load,
}


def pipe(path):
    os.mkfifo(path)


def nothing(path):
    """No file."""


def listening(path):
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    bound.close()


KINDS = {
    "a pipe": pipe,
    "a socket": listening,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "nothing": nothing,
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    return tmp_path / "x"


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_what_is_no_file_is_no_file_to_read(place, make):
    make(type(place)("x"))
    with pytest.raises(OSError, match=r"not a file|Too many levels|No such"), opened(place):
        pass


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_what_is_no_file_is_refused_in_words(place, make, read):
    make(type(place)("x"))
    with pytest.raises(fastnn.InputError, match="path must be an existing file; got"):
        read(place)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_a_pipe_that_takes_a_files_place_is_not_waited_for(place, read, monkeypatch):
    """It was a file when it was looked at."""
    os.mkfifo(place)
    monkeypatch.setattr("pathlib.Path.is_file", lambda path: path == place)
    with pytest.raises(fastnn.InputError, match="x must be readable; got a pipe, not a file"):
        read(place)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_a_file_of_60_gb_is_not_read(place, read):
    with place.open("wb") as file:
        file.truncate(60 << 30)
    with pytest.raises(fastnn.InputError, match=r"60 GB|more than 2147483648|a model file that fastnn wrote"):
        read(place)


def test_a_file_of_just_the_length_is_read(place):
    place.write_bytes(b"12345")
    assert bytes_of(place, 5) == b"12345"
    with pytest.raises(OSError, match="5 bytes, more than 4"):
        bytes_of(place, 4)


def test_a_file_that_grows_is_read_up_to_its_limit(place, monkeypatch):
    place.write_bytes(b"a,y\n1,2\n")
    looked = os.fstat

    def then_grown(descriptor):
        found = looked(descriptor)
        with place.open("ab") as other:
            other.write(b"3,4\n" * 100_000)
        return found

    monkeypatch.setattr("os.fstat", then_grown)
    assert bytes_of(place, 10) == b"a,y\n1,2\n3,"


def test_a_model_with_more_after_it_is_refused(place):
    run = fastnn.train(fastnn.Network((1, 1, 1)), np.eye(2)[:, :1], [0.0, 1.0], epochs=1)
    run.save(place)
    with place.open("ab") as file:
        file.truncate(60 << 30)
    with pytest.raises(fastnn.ModelFileError, match="64424509440 bytes where its header asks for"):
        fastnn.Training.load(place)


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_the_list_of_what_was_published_may_be_anything(place, make, monkeypatch):
    """A folder with no list that can be read has no file of ours."""
    folder = place.parent / "page"
    folder.mkdir()
    monkeypatch.chdir(folder)
    make(type(place)(".written-by-fastnn"))
    (folder / "own").write_text("mine")
    refused = pytest.raises(fastnn.InputError, match=r"which holds own|in which that is a folder")
    with refused, published_folder(folder):
        raise AssertionError("it was let in")
    assert (folder / "own").read_text() == "mine"


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_pieces_are_small_and_make_the_whole(place, size):
    content = np.random.default_rng(size).bytes(size)
    place.write_bytes(content)
    pieces = list(pieces_of(place, size))
    assert b"".join(pieces) == content
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    if size:
        with pytest.raises(OSError, match=f"{size} bytes, more than {size - 1}"):
            list(pieces_of(place, size - 1))


def test_pieces_of_a_file_that_grows_meanwhile_end(place):
    place.write_bytes(bytes(PIECE + 1))
    found = []
    for piece in pieces_of(place, 10 * PIECE):
        found.append(len(piece))
        with place.open("ab") as file:
            file.write(bytes(PIECE))
    assert found == [PIECE, 1]
