"""The forms in which the engine `lanes` prints a kernel. All of them give the same bits.

Which is fastest depends on the network, the rule and the processor. `known_form` has it by rules of thumb;
`forms` has those that are worth a trial by the clock, see `fastnn.engines.tuning`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines.form import Form
from fastnn.engines.registers import Registers, registers
from fastnn.engines.traits import (
    divides,
    has_functions,
    has_softmax,
    is_deep,
    takes_outputs_along,
    values_of_functions,
)

__all__ = ["Registers", "forms", "is_small", "known_form", "registers"]

# Beyond this number straight-line code is slower than loops, and takes longer to compile. Measured: 2-7-1,
# 2-8-1 and 4-5-1 x0.9 to x1.0; 2-10-1, 5-6-1 and 3-4-4-1 x1.0 to x1.16 (against loops).
STRAIGHT_LINE_PARAMETERS = 36

# Beyond this number straight-line code is not even tried: it takes some seconds to compile.
MOST_IN_STRAIGHT_LINES = 64

# Up to this number a group's way back comes after the following group's forward pass. Measured with 32
# registers (against known forms without): 2-1-1 x0.90 and 2-2-1 x0.80 (16 groups of 2 registers), 2-3-1 and
# 2-4-1 x0.82, 2-5-1 x0.83 (32 groups of one), 3-5-1 x1.4; with momentum 2-2-1 x0.91, with Adam x0.97. With 16
# it does in all straight lines (2 registers, or one where there are states): 2-1-1 x0.83, 2-2-1 x0.89, in
# float32 x0.89, 2-3-1 x0.86, 2-5-1 x0.97, 5-5-1 x0.94; with momentum 2-1-1 x0.78, 2-2-1 x0.85, 5-5-1 x0.92,
# with Adam 2-2-1 x0.93.
ONE_GROUP_AHEAD = 22

# With as many parameters, without states, a group ahead has two registers of half the size on processors that
# work in halves: then its values find room. Measured (against whole registers, in float64 and float32): 2-1-1
# x1.05, x1.03; 2-2-1 x0.89, x0.92; 3-2-1 x0.64, x0.65; 2-2-2 x0.78, x0.79; 2-3-1 x0.98, x0.98; 2-4-1 x1.17;
# with momentum 2-3-1 x1.14, x1.15.
AHEAD_IN_HALVES = range(7, 14)

# As many numbers of the states of all groups of a tile are kept in registers for all rows, although not all
# find room. Measured on a processor that works in halves (against one group ahead): with momentum 2-2-1
# x0.69, in float32 x0.65 (2 groups; 3 x0.98), with Nesterov's x0.87; 2-1-1 x0.91 (3 groups), 1-2-1 x0.56,
# 1-3-1 x0.88, 3-2-1 x1.03, 2-3-1 x1.05; without states 2-2-1 x1.09.
KEPT = 40

# In batches straight-line code has the parameters and what the rows add up to in registers. Measured (against
# one row at a time): 2-2-1 x0.79 with four rows side by side, x0.89 with one; loops x0.82.
STRAIGHT_LINE_IN_BATCHES = 10

# How many rows are written side by side, by the number of registers. Measured with 32: 2-2-1 with Adam x0.98
# (two rows against four), without and with momentum x1.0.
WRITTEN_ROWS = {16: 4, 32: 2}

STRAIGHT_LINE_TILE = 512  # bytes of each parameter; half or twice this number take the same time

# How many values besides the parameters are in use while a row is worked on.
AT_WORK = 12

MOST_REGISTERS = 4  # measured: 2-1-1 x1.06 with five, x1.25 with six

FIRST_LEVEL_CACHE = 32 << 10  # bytes

# Of several hidden layers, beyond how many parameters each value has one register, or two.
ONE_REGISTER_OF_DEEP, TWO_REGISTERS_OF_DEEP = 128, 90


def known_form(network: Network, dtype: str, rule: Rule = PLAIN) -> Form:
    """The form that suits a network, by rules of thumb.

    Loops are faster with two registers for every value than with one. Measured: 4-16-1 x1.25 (one against
    two). With 32 registers, four for every value are faster still: x0.83 (four against two; measured before
    updates shared a loop with the following row's forward pass).
    """
    number, size, halves = registers()
    small, in_batches = is_small(network, rule), rule.batched or rule.measuring
    if in_batches and small:
        return _rows_written(network, rule)
    if in_batches:
        return _rows_in_loops(number, size)
    if values := values_of_functions(network, rule):
        return _of_functions(network, rule, values)
    if small and halves and _may_be_kept(network, rule):
        return _kept(network, rule)
    if small and number == 16 and not has_softmax(network):
        return _straight(1 if rule.states else 2, network, rule, ahead=True)
    if small and number == 32 and network.n_parameters <= ONE_GROUP_AHEAD and not has_softmax(network):
        if halves and network.n_parameters in AHEAD_IN_HALVES and not rule.states:
            return _straight(2, network, rule, size=size // 2, ahead=True)
        several = 2 if 2 * network.n_parameters + AT_WORK <= number else 1
        return _straight(several, network, rule, ahead=True)
    if small:
        several = _registers_together(network)
        return Form(
            straight=True,
            size=size,
            registers=several,
            groups=STRAIGHT_LINE_TILE // (size * several),
            reads=1 + _outgrows_registers(network),
            together=_together(several),
        )
    several = _in_first_level(number // 8, network, rule)
    if number == 32 and several * (1 + len(rule.states)) >= 4 and takes_outputs_along(network, rule):
        return _with_outputs_along(network, rule)
    together = _together(several)
    if halves and several == 4 and has_softmax(network):
        together = _together_in_softmax(network, rule)
    return _in_loops(several, together, network, rule)


def forms(network: Network, dtype: str, rule: Rule = PLAIN) -> tuple[Form, ...]:
    """The forms that are worth a trial, of which the measured best is one: first the known one.

    The one that is most likely to be faster comes second. Measured with 32 registers, 512 bits at once: 2-2-1
    x1.1 without a group ahead, x1.3 stored last; in halves 3 registers of half the size, read twice: 3-5-1
    x0.92. 2-10-1 x0.94 in straight lines one group ahead. 4-5-3 with softmax x0.87 in loops with 4 values
    together, x0.94 in straight lines with 4 registers. In halves with 1 whole register, 8 values together:
    Nesterov's 4-16-1 x0.94, in float32 x0.87, 2-24-1 x0.89, momentum 4-16-1 x1.03. Of small deep networks
    with 2 registers, weights updated on the way back: 3-5-4-2 x0.90, 4-4-4-4-1 x0.88, 2-5-5-1 x1.06.
    """
    known = known_form(network, dtype, rule)
    in_batches = rule.batched or rule.measuring
    if in_batches:
        others = _in_batches(known, network, rule)
    elif values_of_functions(network, rule):
        others = _with_functions(known, network, rule)
    else:
        others = _row_by_row(known, network, rule)
    return tuple(dict.fromkeys((known, *others)))


def _row_by_row(known: Form, network: Network, rule: Rule) -> Iterator[Form]:
    short = network.n_parameters <= MOST_IN_STRAIGHT_LINES
    straight = partial(_straight, network=network, rule=rule)
    number, size, halves = registers()
    if short and is_deep(network) and known.registers == 4:
        yield replace(known, registers=2, together=2, updates_back=True)
    if halves and short:
        yield from (straight(3, size=size // 2, reads=2), straight(2, size=size // 2, ahead=True))
    if short and (known.straight or not halves):
        yield from (straight(several, ahead=True) for several in (2, 1))
    if short:
        yield straight(3, reads=2)
    if known.straight:
        if number == 32 and _may_be_kept(network, rule):
            yield _kept(network, rule)
        if halves:
            yield straight(3, size=size // 2, ahead=True)
            return
        yield straight(3, ahead=True)
        yield straight(4, reads=2)
        yield straight(2, reads=1 + (number == 16))
        yield straight(1, stores_last=True)
        return
    if known.outputs_along:
        yield replace(known, registers=6 - known.registers, together=known.registers // 2)
        if halves and rule.states:
            yield replace(known, size=size, registers=1, together=8)
    elif takes_outputs_along(network, rule):
        yield _with_outputs_along(network, rule)
    if not short and is_deep(network):
        yield replace(known, registers=1, together=number // 4, updates_back=True)
        yield replace(known, updates_back=not known.updates_back)
    if has_softmax(network):
        yield replace(known, together=1)
    apart = replace(known, outputs_along=False)
    yield replace(apart, together=2 * known.together if known.together < 8 else 4)
    several = max(1, known.registers // 2)
    yield replace(apart, registers=several, together=_together(several))


def _with_functions(known: Form, network: Network, rule: Rule) -> Iterator[Form]:
    """Measured with 32 registers: with tanh 2-2-1 x0.90 in straight lines with 4 registers, read twice."""
    short = network.n_parameters <= MOST_IN_STRAIGHT_LINES
    straight = partial(_straight, network=network, rule=rule)
    if short:
        yield straight(4, reads=2)
    yield replace(known, registers=4, together=1)
    if max(network.layers[1:]) > 1:
        yield replace(known, registers=4, together=2)
    yield replace(known, registers=8, together=1)
    if short:
        yield from (straight(several, ahead=True) for several in (3, 2))
        yield straight(3, reads=2)
        return
    yield replace(known, registers=2, together=_together(2))
    if is_deep(network):
        yield replace(known, updates_back=not known.updates_back)


def _straight(
    several: int, network: Network, rule: Rule, *, size: int = 0, ahead: bool = False, **how: Any
) -> Form:
    """A form of straight lines. With 16 groups, not 8, 2-2-1 takes x0.9 of the time one group ahead."""
    size = size or registers().size
    vectors = rule.state_size(network) + len(rule.given) + 1
    most = FIRST_LEVEL_CACHE // (vectors * size * several)
    groups = max(1, min((2 + 2 * ahead) * STRAIGHT_LINE_TILE // size // several, most))
    return Form(True, size, several, groups, ahead=ahead, together=_together(several), **how)


def _may_be_kept(network: Network, rule: Rule) -> bool:
    """Whether two groups of a network keep their states in registers, and a row waits for no division.

    Where it does, nothing else counts: 2-2-1 with Adam x1.0, with Adagrad x1.03 (kept, against one ahead).
    """
    few = 2 * rule.state_size(network) <= KEPT
    return few and bool(rule.states) and not has_softmax(network) and not divides(network, rule)


def _kept(network: Network, rule: Rule) -> Form:
    """The form of straight lines in which a tile's groups keep their state in registers for all rows."""
    groups = min(3, KEPT // rule.state_size(network))
    return Form(True, registers().size, 1, groups, together=_together(1), kept=True)


def _of_functions(network: Network, rule: Rule, values: int) -> Form:
    """The form of loops for functions, which wait for their own results and leave few registers.

    Measured with 32 registers (8 registers a value, one unit at a time, against straight lines): with tanh
    2-2-1 x0.71, with sigmoid x0.53, with softplus x0.50; sigmoid outputs 2-3-1 x0.56, 2-4-1 x0.53. Of more
    units some are worked on at once anyway (4 registers, against straight lines or 2 units at a time): with
    tanh 2-3-1 x0.60 (8 registers x0.72), 2-4-1 x0.62, 4-5-1 x0.85, 3-5-4-2 x0.71, 4-16-1 x1.0. With 16
    registers: tanh 2-2-1 x1.02, 2-4-1 x0.82; sigmoid outputs 2-3-1 x0.59.
    """
    several = _in_first_level(8 if values <= 2 else 4, network, rule)
    return _in_loops(several, _together(several) if several < 4 else 1, network, rule)


def _in_loops(several: int, together: int, network: Network, rule: Rule) -> Form:
    """A form of loops; those of several hidden layers update most weights on the way back.

    Measured with 32 registers (against updates with the forward pass): with one register 4-20-20-1 x0.90,
    10-32-32-1 x0.85, in float32 x0.83; with two 4-10-10-1 x0.95, 5-14-14-1 x0.87, 6-12-6-2 x0.97, with
    momentum 3-9-5-2 x1.08; with four 2-8-8-1 x1.06, 3-9-5-2 x0.95. With 16 registers 10-32-32-1 x0.96.
    """
    number, size, halves = registers()
    if halves and is_deep(network):
        several = min(several, _registers_of_deep(network, rule))
    plain = number == 32 and not rule.states and not has_functions(network, rule)
    back = is_deep(network) and several <= (2 if plain else 1)
    if back and halves and _suits_half_registers(network, rule):
        size //= 2
    return Form(False, size, several, 1, together=4 if back else together, updates_back=back)


def _registers_of_deep(network: Network, rule: Rule) -> int:
    """The most registers for each value of several hidden layers, on a processor that works in halves.

    Measured (one against two): 4-10-10-1 x0.73, in float32 x0.87, with momentum x0.75; 4-16-16-1 x0.69, with
    tanh x0.79; 6-12-6-2 x0.89, 8-8-8-8-1 x0.91, with softmax 4-8-8-3 x0.97, 4-16-16-3 x0.69. Two against
    four: 3-9-5-2 x0.85, 2-8-8-1 x0.92, 3-8-8-1 x0.91, with softmax 4-9-6-3 x0.91; 5-6-6-1 x1.05, 3-6-6-1
    x1.03; with tanh 3-9-5-2 x1.5.
    """
    if network.n_parameters > ONE_REGISTER_OF_DEEP:
        return 1
    few = network.n_parameters <= TWO_REGISTERS_OF_DEEP or has_functions(network, rule)
    return 8 if few else 2


def _suits_half_registers(network: Network, rule: Rule) -> bool:
    """Whether a network of several hidden layers, on a processor that works in halves, has half registers.

    More of the block stays in the cache, and no operation takes longer but divisions and functions. Measured
    (against whole ones): 10-32-32-1 x0.96, 6-24-24-1 x0.95, 10-50-50-1 x0.96, 10-32-32-32-1 x0.97, in float32
    x0.94, x0.87, x1.0, x0.96; with momentum 10-32-32-1 x0.85, 6-24-24-1 x0.88, with Adam x1.08, x1.07, with
    tanh x1.14. Where the block stays in the cache anyway 4-10-10-1 x1.12, 4-16-16-1 x1.07.
    """
    slow = divides(network, rule) or has_functions(network, rule)
    return not slow and rule.state_size(network) * registers().size > FIRST_LEVEL_CACHE


def _with_outputs_along(network: Network, rule: Rule) -> Form:
    """The form of loops in which a hidden unit's weights to the outputs are read once.

    Measured with 32 registers (4 registers a value, against 2 units together and the outputs apart): 4-16-1
    x0.91, 2-10-1 x0.89, 2-24-1 x0.93, 6-10-1 x0.92, in float32 4-16-1 x0.88; with 2 registers and units
    3-12-2 x0.90, 4-12-4 x0.94, 8-10-3 x0.99, with momentum 4-16-1 x0.93; 10-32-1, which outgrows the cache,
    x1.24. On a processor that works in halves registers of half the size (against whole ones): 4-16-1
    x0.90, in float32 x0.85, with momentum x0.97 and x0.89; 2-24-1 x0.80, 2-10-1 x0.98, 6-10-1 x1.01; of
    several outputs 3-12-2 x1.11, 8-10-3 x0.95, 4-5-3 x1.14.
    """
    _, size, halves = registers()
    several = 4 if network.n_outputs == 1 and not rule.states else 2
    if halves and network.n_outputs == 1:
        size //= 2
    return Form(False, size, several, 1, together=4 // several, outputs_along=True)


def _together_in_softmax(network: Network, rule: Rule) -> int:
    """How many values of four registers take turns where outputs are softmax.

    Measured on a processor that works in halves (against two): with functions in hidden layers one, 4-5-3
    with tanh x0.78, 6-6-2 x0.89, 4-5-4-3 x0.88; of five hidden units four, 4-5-3 x0.90, 5-5-3 x0.91, 6-5-4
    x0.97, 4-5-2 x0.99. Four of other units: 4-8-3 x1.0, 4-9-3 x1.09, 4-6-3 x1.27, 4-5-4-3 x1.06.
    """
    if has_functions(network, rule):
        return 1
    return 4 if network.layers[1:-1] == (5,) else 2


def _in_first_level(several: int, network: Network, rule: Rule) -> int:
    """`several` registers for each value, or fewer where they would outgrow the first level of the cache.

    Measured: 4-20-20-1 x0.86, 10-32-32-1 x0.92 to x0.97 (one of AVX2's registers against two); with AVX-512
    4-20-20-1 x0.68, in float32 x0.62 (one against two), 10-32-1 x1.04.
    """
    size = rule.state_size(network) * registers().size
    if size * several > FIRST_LEVEL_CACHE:
        several //= 2
    return 1 if size * several > 2 * FIRST_LEVEL_CACHE else several


def _in_batches(known: Form, network: Network, rule: Rule) -> Iterator[Form]:
    """Loops, too, where they have divisions beside other work.

    Measured with Adam (against straight lines): 2-2-1 x0.94, 2-1-1 x1.06, 1-3-1 x1.09.
    """
    if known.straight:
        if divides(network, rule):
            yield _rows_in_loops(*registers()[:2])
        for rows, several in ((1, 1), (2, 1), (4, 1), (1, 2), (2, 2)):
            groups = max(1, known.groups * known.registers // several)
            yield replace(known, rows=rows, registers=several, groups=groups)
        return
    for rows, several in ((8, 1), (4, 2), (4, 1), (2, 2), (2, 4)):
        yield replace(known, rows=rows, registers=several)


def is_small(network: Network, rule: Rule) -> bool:
    """Whether straight lines suit a network, or else loops."""
    return network.n_parameters <= (STRAIGHT_LINE_IN_BATCHES if rule.batched else STRAIGHT_LINE_PARAMETERS)


def _together(several: int) -> int:
    """How many values of several registers take turns; more than four read from too many places at once."""
    return max(1, min(4, registers().number // 4 // several))


def _rows_written(network: Network, rule: Rule) -> Form:
    """How many rows of a batch straight lines work on at once, and how many registers each value has.

    Measured on a processor that works in halves (4 rows of two registers, against 2 rows of one): 2-2-1
    x0.95, in float32 x0.93, with momentum x0.98, with iRprop- x0.93, with Adam x1.04.
    """
    number, size, halves = registers()
    few = network.n_parameters <= STRAIGHT_LINE_IN_BATCHES
    rows, several = WRITTEN_ROWS[number] if few else 1, 1
    if few and halves and not divides(network, rule):
        rows, several = 4, 2
    groups = STRAIGHT_LINE_TILE // size // several
    return Form(straight=True, size=size, registers=several, groups=groups, rows=rows)


def _rows_in_loops(number: int, size: int) -> Form:
    """How many rows of a batch loops work on at once, and how many registers each value has.

    Measured with 32 registers: 4-16-1 x0.89, 2-24-2 x0.88, 4-12-8-1 x0.86 (8 rows, against one row at a
    time; 4 rows of two registers x0.89, x0.89, x0.95). With 16: 2-5-1 x0.92, 4-16-1 x0.88 (2 rows of two;
    8 rows of one x0.98, x0.97).
    """
    rows, several = (8, 1) if number == 32 else (2, 2)
    return Form(straight=False, size=size, registers=several, groups=1, rows=rows)


def _registers_together(network: Network) -> int:
    """How many registers each value of straight-line code has.

    The code waits for its own results, so groups of networks take turns. If the parameters are read from
    memory, several registers can take turns within a group; what the forward pass keeps must still find room.
    Measured with 16 registers: 2-2-1 x0.84 to x0.88 (3 registers against 1), 2-5-1 x0.69 to x0.85 (2 against
    1). Softmax has most to wait for. Measured with 32: 2-2-2 x0.52 (4 against 1), 2-4-3 x0.79 (4 against 2).
    """
    number = registers().number
    if has_softmax(network):
        return MOST_REGISTERS
    if not _outgrows_registers(network):
        return 1
    inputs, *hidden, outputs = network.layers
    kept_of_each, shared = sum(hidden) + outputs + 1, inputs + 1
    return min(MOST_REGISTERS, max(2, (number - shared) // kept_of_each))


def _outgrows_registers(network: Network) -> bool:
    """Whether it is faster to read the parameters twice for each row than to keep them in registers.

    Measured with 16 registers, one for each value: 2-1-1 to 2-8-1 x0.81 to x0.96, mostly x0.85 (read twice
    against kept). With 32 registers the compiler has to spill parameters from 21 of them on.
    """
    return network.n_parameters + AT_WORK > registers().number
