"""Numbers on bars, where they fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Text

__all__ = ["write_on_bars"]


class _OnBar(Text):
    """A text in the middle of a bar; not drawn where it would be longer or higher than the bar.

    That is known when it is drawn: names at the axis take room from the bars.
    """

    def __init__(self, bar: Rectangle, text: str, **options: Any) -> None:
        x, y = bar.get_center()
        super().__init__(x, y, text, ha="center", va="center_baseline", **options)
        self.set_in_layout(False)
        self.bar = bar

    def draw(self, renderer: Any) -> None:
        """Draw the text, or nothing."""
        words, bar = self.get_window_extent(renderer), self.bar.get_window_extent(renderer)
        if words.width <= bar.width and words.height <= bar.height:
            super().draw(renderer)


def write_on_bars(ax: Axes, bars: Iterable[Rectangle], texts: Iterable[str], **options: Any) -> None:
    """Write a text on each bar, as far as it fits; `options` are those of `matplotlib.text.Text`."""
    for bar, text in zip(bars, texts, strict=True):
        ax.add_artist(_OnBar(bar, text, **options))
