"""The figure of fastnn's own pictures: it is drawn and saved under fixed settings, by whomever."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from fastnn.plotting.settings import fixed_settings, glyph_warnings_as_one

__all__ = ["Drawing"]


class Drawing(Figure):
    """A figure on which the user's settings have no influence, and that warns once of a missing glyph.

    Many settings are looked up only when a figure is drawn, which a notebook does long after it was made.

    Attributes
    ----------
    signs_told : set of str
        The signs without a glyph that it has warned of, as "U+5E74".
    further : dict
        Settings of matplotlib for this figure alone.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        with fixed_settings():
            super().__init__(*arguments, **options)
        self.signs_told: set[str] = set()
        self.further: dict[str, Any] = {}

    def lay_out(self) -> None:
        """Give all that is in the figure its place now and for good, however often it is drawn after that."""
        engine = self.get_layout_engine()
        if engine is not None:
            with fixed_settings(self.further), glyph_warnings_as_one(self.signs_told):
                engine.execute(self)
                self.set_layout_engine(None)

    def draw(self, renderer: Any) -> None:
        """Draw all that is in the figure."""
        with fixed_settings(self.further), glyph_warnings_as_one(self.signs_told):
            super().draw(renderer)

    def savefig(self, *arguments: Any, **options: Any) -> None:
        """Save the figure; see matplotlib."""
        with fixed_settings(self.further):
            super().savefig(*arguments, **options)
