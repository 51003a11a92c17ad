"""Numbers as they are written on the command line: 0.005,0.01."""

from __future__ import annotations

from fastnn.checking import InputError

__all__ = ["numbers", "whole_numbers"]


def numbers(text: str, option: str) -> list[float]:
    """The numbers that an option was given, separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{option} must be numbers separated by commas; got {text!r}. Write them like 0.005,0.01."
        ) from None


def whole_numbers(text: str, option: str) -> list[int]:
    """The whole numbers that an option was given, separated by commas."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{option} must be whole numbers separated by commas; got {text!r}. Write them like 2,2,1."
        ) from None
