"""The settings that fastnn's pictures are drawn under: always the same, whatever the user's own are.

A matplotlibrc file, a style, ``text.usetex`` or a missing font changes no picture, and no picture changes
them: what the user has set, the open figures and the filters of warnings are afterwards as they were.
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

# Not of how a picture looks, but of the user's windows and keys.
USERS = (
    *("backend", "interactive", "toolbar", "timezone", "keymap.", "webagg.", "tk.", "macosx."),
    "savefig.directory",
)
# Asked in this order, where they are installed, for signs that DejaVu Sans does not have.
FURTHER_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei"),
    *("Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Symbols2"),
    *("Nirmala UI", "Leelawadee UI", "Segoe UI Symbol", "Arial Unicode MS", "Unifont"),
)
GLYPH = re.compile(r"Glyph (\d+) .* missing from", re.DOTALL)  # matplotlib's warning
NAMED = 12  # signs without a glyph that are told one by one


@contextmanager
def fixed_settings(further: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Draw under settings of our own for a while, and maybe further ones."""
    need_matplotlib()
    import matplotlib as mpl

    settings: Any = _settings() | dict(further or {})
    with mpl.rc_context(settings):
        yield


def under_fixed_settings(draw: Function) -> Function:
    """Let a function draw under `fixed_settings`."""

    @wraps(draw)
    def drawing(*arguments: Any, **options: Any) -> Any:
        with fixed_settings():
            return ieee(draw)(*arguments, **options)

    return drawing  # type: ignore[return-value]


class MissingGlyphs(UserWarning):
    """No font of this machine has some of the signs that a picture writes."""


@contextmanager
def glyph_warnings_as_one(told: set[str]) -> Iterator[None]:
    """Let one `MissingGlyphs` take the place of matplotlib's warnings of each sign, each time it is drawn.

    Parameters
    ----------
    told : set of str
        The signs that have been warned of already, as "U+5E74"; those found now are added.
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
    """A sentence on signs that no font has."""
    first = sorted(signs, key=lambda sign: int(sign[2:], 16))[:NAMED]
    named = ", ".join(first) + (f" and {len(signs) - NAMED} more" if len(signs) > NAMED else "")
    return (
        f"no font of this machine has the signs {named}: images show boxes in their place, SVG files and "
        "pages hold them as text. A font that has them, such as Noto Sans CJK, can be installed."
    )


@cache
def _settings() -> dict[str, Any]:
    """Matplotlib's own, with fonts for many scripts."""
    import matplotlib as mpl
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    known: Any = mpl.rcParamsDefault
    settings: dict[str, Any] = {key: known[key] for key in known if not key.startswith(USERS)}
    family = ["DejaVu Sans", *(name for name in FURTHER_FONTS if name in installed), "sans-serif"]
    return settings | {"font.family": family, "svg.hashsalt": "fastnn"}
