"""The floating-point mode: results are those of IEEE's default, or there are none."""

import ctypes
import platform
import struct
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from fastnn import InputError
from fastnn.system import floating_point
from fastnn.system.floating_point import ieee, is_default

x86_linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="sets the control register of x86-64 through glibc",
)

MXCSR = 28  # where x86-64's fenv_t holds it
MODES = {
    "flush results to zero": 1 << 15,
    "take subnormals for zero": 1 << 6,
    "round down": 1 << 13,
    "round up": 2 << 13,
    "round towards zero": 3 << 13,
    "all of it": 1 << 15 | 1 << 6 | 3 << 13,
}


@contextmanager
def mode(bits):
    """This thread, with some bits of its control register set."""
    mathematics = ctypes.CDLL(None)
    before, changed = ctypes.create_string_buffer(256), ctypes.create_string_buffer(256)
    mathematics.fegetenv(before)
    mathematics.fegetenv(changed)
    struct.pack_into("<I", changed, MXCSR, 0x1F80 | bits)
    mathematics.fesetenv(changed)
    try:
        yield
    finally:
        mathematics.fesetenv(before)


def bent_numbers():
    """What a thread makes of numbers whose results hang on the mode."""
    numbers = np.array([2.0**-1022, 1.0, -1.0])
    return (numbers * 0.75 + np.array([0.0, 2.0**-53, -(2.0**-53)])).tobytes()


@x86_linux
@pytest.mark.parametrize("bits", MODES.values(), ids=MODES)
def test_every_mode_is_seen_and_put_right_and_back(bits):
    computed = ieee(bent_numbers)
    right = computed()
    assert is_default()
    with mode(bits):
        assert not is_default()
        assert computed() == right
        assert not is_default()
    assert is_default()


@x86_linux
@pytest.mark.parametrize("bits", MODES.values(), ids=MODES)
def test_the_module_may_be_imported_in_any_mode(bits):
    source = Path(floating_point.__file__).read_text(encoding="utf-8")
    with mode(bits):
        names = {"__name__": "another"}
        exec(compile(source, "another", "exec"), names)  # noqa: S102
        assert names["ieee"](bent_numbers)() is not None
    assert names["NUMBERS"] == floating_point.NUMBERS == [1.0, 2.0**-53, 1.5 * 2.0**-53, 2.0**-1022, 5e-324]


@x86_linux
def test_mode_is_back_after_an_error():
    @ieee
    def fail():
        raise KeyError("no")

    with mode(MODES["round up"]):
        with pytest.raises(KeyError):
            fail()
        assert not is_default()


@x86_linux
def test_mode_that_cannot_be_put_right_is_refused(monkeypatch):
    monkeypatch.setattr(floating_point.sys, "platform", "another")
    with (
        mode(MODES["flush results to zero"]),
        pytest.raises(InputError, match=r"floating-point mode.*-ffast-math"),
    ):
        ieee(bent_numbers)()


def test_what_the_caller_told_numpy_is_kept():
    @ieee
    def overflow():
        return np.array([1e308]) * 10

    with np.errstate(all="raise"):
        assert np.isinf(overflow()).all()
        assert np.geterr()["over"] == "raise"
