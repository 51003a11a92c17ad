"""One vocabulary of blocks for explanations and pages, and the three ways in which they are written.

A document is sections, a section is a heading and its blocks (`blocks`): words, `tables`, `equations`, code,
pictures, ready-made HTML. `text`, `latex` and `html` write them; the latter with one style sheet, light and
dark, for notebooks and for pages of their own.
"""
