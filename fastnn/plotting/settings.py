"""The fixed settings under which fastnn draws its pictures, independent of the user's own.

A matplotlibrc file, a style, ``text.usetex`` or a missing font changes no picture. Drawing a picture in turn
leaves the user's settings, open figures and warning filters as they were.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, TypeVar

from fastnn.plotting.library import need_matplotlib
from fastnn.system.floating_point import ieee
from fastnn.system.telling import warn

__all__ = [
    "MissingGlyphs",
    "fixed_settings",
    "glyph_warnings_as_one",
    "missing_glyphs",
    "under_fixed_settings",
]

Function = TypeVar("Function", bound=Callable[..., Any])

# Settings of the user's windows and keys, which do not change the look of a picture.
USERS = (
    *("backend", "interactive", "toolbar", "timezone", "keymap.", "webagg.", "tk.", "macosx."),
    "savefig.directory",
)
# Fonts that are tried from first to last, if installed, for characters that DejaVu Sans lacks.
FURTHER_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei"),
    *("Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Symbols2"),
    *("Nirmala UI", "Leelawadee UI", "Segoe UI Symbol", "Arial Unicode MS", "Unifont"),
)
GLYPH = re.compile(r"Glyph (\d+) .* missing from", re.DOTALL)  # matplotlib's warning
NAMED = 12  # the most characters without a glyph that a warning names one by one


@contextmanager
def fixed_settings(further: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Set fastnn's settings, and `further` ones if given, while the context lasts."""
    need_matplotlib()
    import matplotlib as mpl

    settings: Any = _settings() | dict(further or {})
    with mpl.rc_context(settings):
        yield


def under_fixed_settings(draw: Function) -> Function:
    """Wrap a function so that it draws under `fixed_settings`."""

    @wraps(draw)
    def drawing(*arguments: Any, **options: Any) -> Any:
        with fixed_settings():
            return ieee(draw)(*arguments, **options)

    return drawing  # type: ignore[return-value]


class MissingGlyphs(UserWarning):
    """Some characters of a picture are in no font of this machine."""


@contextmanager
def glyph_warnings_as_one(told: set[str]) -> Iterator[None]:
    """Warn once, with `MissingGlyphs`; matplotlib would warn of each character each time it is drawn.

    Parameters
    ----------
    told : set of str
        The characters that a warning has named already, as "U+5E74"; the new ones are added.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    found = set()
    for each in caught:
        if glyph := GLYPH.match(str(each.message)):
            found.add(f"U+{int(glyph[1]):04X}")
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    new = found - told
    told |= new
    if new:
        warn(missing_glyphs(new), MissingGlyphs, stacklevel=5)


def missing_glyphs(signs: set[str]) -> str:
    """A sentence that names characters without a font."""
    first = sorted(signs, key=lambda sign: int(sign[2:], 16))[:NAMED]
    named = ", ".join(first) + (f" and {len(signs) - NAMED} more" if len(signs) > NAMED else "")
    return (
        f"no font of this machine has the signs {named}: images show boxes in their place, SVG files and "
        "pages hold them as text. A font that has them, such as Noto Sans CJK, can be installed."
    )


@cache
def _settings() -> dict[str, Any]:
    """Matplotlib's default settings, with fonts for many scripts."""
    import matplotlib as mpl
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    known: Any = mpl.rcParamsDefault
    settings: dict[str, Any] = {key: known[key] for key in known if not key.startswith(USERS)}
    family = ["DejaVu Sans", *(name for name in FURTHER_FONTS if name in installed), "sans-serif"]
    return settings | {"font.family": family, "svg.hashsalt": "fastnn"}
