"""Edges that fade where something scrolls sideways, as style: who sees them knows that there is more."""

from __future__ import annotations

__all__ = ["fading"]

# Without an animation that follows the scrolling (or without anything to scroll) both edges have no width.
STYLE = """
@property --fade-left { syntax: "<length>"; inherits: false; initial-value: 0px; }
@property --fade-right { syntax: "<length>"; inherits: false; initial-value: 0px; }
@keyframes fade-edges {
  0% { --fade-left: 0px; --fade-right: 2.5rem; }
  15% { --fade-left: 2.5rem; }
  85% { --fade-right: 2.5rem; }
  100% { --fade-left: 2.5rem; --fade-right: 0px; }
}
@media screen { @supports (animation-timeline: scroll()) {
  SCROLLS { animation: fade-edges linear both; animation-timeline: scroll(self inline);
    outline-offset: -3px; mask-image: linear-gradient(to right,
      transparent, #000 var(--fade-left), #000 calc(100% - var(--fade-right)), transparent); }
} }
"""


def fading(selector: str) -> str:
    """The style that lets the left and the right edge of some elements fade while there is more beyond it."""
    return STYLE.replace("SCROLLS", selector)
