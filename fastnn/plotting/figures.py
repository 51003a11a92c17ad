"""The figure class of fastnn's own pictures: always drawn and saved under fixed settings."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from fastnn.plotting.settings import fixed_settings, glyph_warnings_as_one

__all__ = ["Drawing"]


class Drawing(Figure):
    """A figure that ignores the user's settings and warns once of each missing glyph.

    Matplotlib reads many settings only when it draws a figure, which a notebook does long after making it.

    Attributes
    ----------
    signs_told : set of str
        The characters without a glyph that it has warned of, as "U+5E74".
    further : dict
        Matplotlib settings for this figure alone.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        with fixed_settings():
            super().__init__(*arguments, **options)
        self.signs_told: set[str] = set()
        self.further: dict[str, Any] = {}

    def lay_out(self) -> None:
        """Lay out the figure now; drawing it later moves nothing."""
        engine = self.get_layout_engine()
        if engine is not None:
            with fixed_settings(self.further), glyph_warnings_as_one(self.signs_told):
                engine.execute(self)
                self.set_layout_engine(None)

    def draw(self, renderer: Any) -> None:
        """Draw the figure; see matplotlib."""
        with fixed_settings(self.further), glyph_warnings_as_one(self.signs_told):
            super().draw(renderer)

    def savefig(self, *arguments: Any, **options: Any) -> None:
        """Save the figure; see matplotlib."""
        with fixed_settings(self.further):
            super().savefig(*arguments, **options)
