"""The network in motion: a part of a page that trains the network in the browser, row by row.

It needs no server and fetches nothing. What it computes is printed from the equations, as the engines are
(`javascript`); ``section.js`` decides when a row is taken, and shows the numbers in the `drawing` and the
`equations`, and ``regions.js`` the `regions` of classes; `section` puts it together.
"""

from fastnn.explaining.motion.section import Motion, motion

__all__ = ["Motion", "motion"]
