"""Backpropagation explained: the equations in three spellings, the numbers of a step, a proof.

Everything here is written from the equations of `fastnn.core.derivation`, so it follows the network as the
engines do. They become lines (`chain_rule`, and `matrix_form` for large networks), lines and numbers become
sections of blocks (`explanation`, `steps`, `proving`), and `fastnn.pages` writes these as text, LaTeX or
HTML, each in its spelling of expressions (`fastnn.printing.notation`).

`motion` is for the screen alone: a part of a page in which the network trains, printed from them as well.
"""
