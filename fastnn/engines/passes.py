"""Whole trainings of a few networks in one call: shuffled epochs, until the loss stands still.

Each call of a kernel from Python costs as much as an epoch of a small network, and so does each array that an
epoch makes. Here a compiled loop draws the orders, calls the kernel batch by batch, tells the losses with
their penalties, and counts the epochs that brought nothing: as scikit-learn does all of these.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np

from fastnn.engines import Kernel
from fastnn.engines.compiling import INLINED, OPTIONS, is_compiled, run_source
from fastnn.engines.told import Told, function_of
from fastnn.system.floating_point import ieee

__all__ = ["ARGUMENTS", "passes"]

ARGUMENTS = {
    "kernel": "",
    **dict.fromkeys(("state", "ended", "X", "Y", "ordered_X", "ordered_Y"), "number 2"),
    "order": "whole 1",
    "key": "word 1",
    **dict.fromkeys(("counts", "epochs"), "whole 1"),
    **dict.fromkeys(("weights", "rest"), "double 1"),
    "coefficients": "number 1",
    "settings": "number 3",
    "given": "number 2",
    "totals": "number 2",
    **dict.fromkeys(("bests", "penalties", "tol", "most"), "double 1"),
    "losses": "double 2",
    "course": "number 3",
    **dict.fromkeys(("squared", "batch", "rows_of", "l2"), "whole"),
    "share": "double",
    "table": "whole 2",
}
"""The arguments of the loop, each with its kind and its dimensions."""

NO_SIZES = np.empty((0, 0), np.int64)

# Numbers are copied one by one: for a row that takes another, Numba compiles the text of an error about their
# shapes, too, which takes 3 s of 5.4.
SOURCE = """
from numpy import inf, uint32, uint64
from fastnn.engines.memory import aligned_zeros


def twist(key):
    for n in range(227):
        word = (key[n] & 0x80000000) | (key[n + 1] & 0x7FFFFFFF)
        key[n] = key[n + 397] ^ (word >> 1) ^ ((word & 1) * 0x9908B0DF)
    for n in range(227, 623):
        word = (key[n] & 0x80000000) | (key[n + 1] & 0x7FFFFFFF)
        key[n] = key[n - 227] ^ (word >> 1) ^ ((word & 1) * 0x9908B0DF)
    word = (key[623] & 0x80000000) | (key[0] & 0x7FFFFFFF)
    key[623] = key[396] ^ (word >> 1) ^ ((word & 1) * 0x9908B0DF)


def temper(key, words):
    for n in range(624):
        word = key[n] ^ (key[n] >> 11)
        word ^= (word << 7) & 0x9D2C5680
        word ^= (word << 15) & 0xEFC60000
        words[n] = word ^ (word >> 18)


def shuffle(order, key, words):
    # Places are unsigned, or each is asked whether it counts from the end (measured: 3.3 ns a row, not 2.0).
    last, place = uint64(order.shape[0] - 1), uint64(key[624])
    while last > 0:
        mask = last
        for shift in (1, 2, 4, 8, 16):
            mask |= mask >> uint64(shift)
        least = mask >> uint64(1)
        while last > least:
            if place >= 624:
                twist(key)
                temper(key, words)
                place = uint64(0)
            while place < 624 and last > least:
                drawn = words[place] & mask
                accepted = drawn <= last
                drawn = drawn if accepted else last
                kept = order[last]
                order[last] = order[drawn]
                order[drawn] = kept
                last -= uint64(accepted)
                place += uint64(1)
    key[624] = place


def copy4(to, n, source, row, first):
    to[n, first : first + 4] = source[row, first : first + 4]


def copy2(to, n, source, row, first):
    to[n, first : first + 2] = source[row, first : first + 2]


def gather(order, source, to):
    columns = source.shape[1]
    if columns >= 4:
        for n in range(order.shape[0]):
            row = order[n]
            for first in range(0, columns - 4, 4):
                copy4(to, n, source, row, first)
            copy4(to, n, source, row, columns - 4)
    elif columns >= 2:
        for n in range(order.shape[0]):
            row = order[n]
            copy2(to, n, source, row, 0)
            copy2(to, n, source, row, columns - 2)
    else:
        for n in range(order.shape[0]):
            to[n, 0] = source[order[n], 0]


def advance({names}):
    rows, networks = X.shape[0], state.shape[0]
    words = aligned_zeros(624, uint32)
    if key.shape[0] > 0:
        temper(key, words)
    left, trained, diverged = networks, losses.shape[1], False
    for m in range(networks):
        for s in range(state.shape[1]):
            state[m, s] += 0.0  # makes -0.0 0.0, as kernels want it
    for e in range(losses.shape[1]):
        if key.shape[0] > 0:
            shuffle(order, key, words)
        for m in range(networks):
            totals[m, 0] = 0
            losses[m, e] = 0.0
            for column in range(given.shape[1]):
                given[m, column] = settings[min(e, settings.shape[0] - 1), m, column]
        more = 0.0
        for first in range(0, rows, batch):
            last = min(first + batch, rows)
            scale = 1.0
            if weights.shape[0] > 0:
                scale = 0.0
                for n in range(first, last):
                    scale += weights[order[n] if order.shape[0] > 0 else n]
                scale = (last - first) / scale
                for n in range(first, last):
                    coefficients[n] = weights[order[n] if order.shape[0] > 0 else n] * scale
                if l2 >= 0:
                    for m in range(networks):
                        given[m, l2] = settings[min(e, settings.shape[0] - 1), m, l2] * scale
            if rest.shape[0] > 0:
                for n in range(first, last):
                    row = order[n] if order.shape[0] > 0 else n
                    more += rest[row] * scale * weights[row] if weights.shape[0] > 0 else rest[row]
            if squared > 0:
                for m in range(networks):
                    a = b = c = d = 0.0
                    for w in range(0, squared - 3, 4):
                        a += state[m, w] * state[m, w]
                        b += state[m, w + 1] * state[m, w + 1]
                        c += state[m, w + 2] * state[m, w + 2]
                        d += state[m, w + 3] * state[m, w + 3]
                    for w in range(squared - squared % 4, squared):
                        a += state[m, w] * state[m, w]
                    losses[m, e] += 0.5 * penalties[m] * scale * ((a + b) + (c + d))
            start, stop = first, last
            # Batch by batch: what is gathered is still in the first cache when the kernel reads it.
            if order.shape[0] > 0:
                start, stop = 0, last - first
                gather(order[first:last], X, ordered_X)
                gather(order[first:last], Y, ordered_Y)
            {call}
                state, ordered_X[start:stop], ordered_Y[start:stop]{coefficients}, given, totals
                {rows_of}{sizes}
            )
        for m in range(networks):
            loss = (share * totals[m, 0] + more + losses[m, e]) / rows
            losses[m, e] = loss
            diverged |= not abs(loss) < inf
            if epochs[m] > 0:
                continue
            counts[m] = counts[m] + 1 if loss > bests[m] - tol[m] else 0
            if loss < bests[m]:
                bests[m] = loss
            if counts[m] > most[m]:
                epochs[m] = e + 1
                for s in range(state.shape[1]):
                    ended[m, s] = state[m, s]
                left -= 1
        if course.shape[0] > 0:
            for m in range(networks):
                for s in range(state.shape[1]):
                    course[e, m, s] = state[m, s]
        if left == 0:
            trained = e + 1
            break
    for m in range(networks):
        for s in range(state.shape[1]):
            if epochs[m] > 0:
                state[m, s] = ended[m, s]
            diverged |= not abs(state[m, s]) < inf
    return -trained if diverged else trained
"""


@lru_cache(maxsize=256)
def passes(kernel: Kernel, dtype: str, weighted: bool, batched: bool) -> Callable[..., int]:
    """The loop that calls a kernel, which may be given coefficients of rows, or told the rows of a batch.

    Its arguments are `ARGUMENTS`, but for the kernel and the sizes it is told; once it is compiled nobody
    looks at their types again. It returns the number of epochs after which it ended: when every network had
    stopped, or with the columns of `losses`; minus that if a loss, or a number of the states that it leaves,
    is not finite. All numbers but `order`, `key`, `counts`, `epochs` and doubles are of the kernel's dtype.

    - `state` (M, S), `X` (N, D), `Y` (N, K): as in the contract in `fastnn.engines`. With `order` (N,) the
      rows are visited in its order, those of a batch put in `ordered_X` and `ordered_Y`; with (0,) as these
      have them.
    - `key` (625,): the words of NumPy's Mersenne twister and the place of the next one. The order is shuffled
      before each epoch as ``RandomState.shuffle`` does it, and `key` left behind; with (0,) it stays.
    - `settings` (E, M, C) of each epoch, or (1, M, C) of all. `given` (M, C) and `totals` (M, 1) are room.
    - `weights` (N,) of rows, or (0,): each batch has coefficients that are 1 in the mean, put in
      `coefficients` (N,), and its setting number `l2`, unless that is -1, is multiplied alike.
    - A loss is `share` times the kernel's, plus what is in `rest` (N,) or (0,), plus half of `penalties` (M,)
      times the squares of the first `squared` parameters, summed before each batch, all by N: `losses`
      (M, E).
    - `counts` (M,) are the epochs in a row whose loss was above `bests` (M,), the least so far, less `tol`
      (M,). A network that has more than `most` (M,) stops: after how many epochs is put in `epochs` (M,),
      which are 0 before. It is left with its state of then, kept in `ended` (M, S) meanwhile.
    - `course` (E, M, S): filled with the states after each epoch, unless it has none.
    - `batch`: the rows of one call of the kernel; `rows_of`: what it is told of the rows of a batch.
    """
    function, told = function_of(kernel), isinstance(kernel, Told)
    sizes = kernel.table if isinstance(kernel, Told) else NO_SIZES
    if not is_compiled(function):
        advance = _plain(weighted, batched, told)
        return lambda *given: advance(function, *given, sizes)
    advance, address = _compiled(dtype, weighted, batched, told), _address(function)
    return lambda *given: advance(address, *given, sizes)


@cache
def _address(function: Any) -> int:
    """Where the machine code of a compiled function lies, which is kept.

    Measured: Numba takes 50 us to find that out, as long as ten epochs of a small network, and as many to
    take a function for an argument after other work.
    """
    (made,) = function.overloads.values()
    address: int = made.library.get_pointer_to_function(made.fndesc.llvm_func_name)
    return address


def _source(call: str, weighted: bool, batched: bool, told: bool) -> str:
    return SOURCE.format(
        names=", ".join(ARGUMENTS),
        call=call,
        coefficients=", coefficients[first:last]" * weighted,
        rows_of=", rows_of" * batched,
        sizes=", table" * told,
    )


@cache
def _compiled(dtype: str, weighted: bool, batched: bool, told: bool) -> Any:
    """The compiled loop, called as it is: it does not look at the types of what it is given."""
    import numba

    from fastnn.engines.by_address import calling
    from fastnn.engines.copying import copying
    from fastnn.engines.kernel_cache import KernelCache, name_of

    types = numba.types
    kinds = {
        "number": getattr(types, dtype),
        "whole": types.int64,
        "word": types.uint32,
        "double": types.float64,
    }

    def kind_of(text: str) -> Any:
        kind, _, dimensions = text.partition(" ")
        return types.Array(kinds[kind], int(dimensions), "C") if dimensions else kinds[kind]

    number = kinds["number"]
    read_only = types.Array(number, 2, "C", readonly=True)
    of_rows = [types.Array(number, 1, "C", readonly=True)] * weighted
    kernel = (
        *(types.Array(number, 2, "C"), read_only, read_only, *of_rows, read_only),
        *(types.Array(number, 2, "A"), *[types.intp] * batched),
        *[kind_of(ARGUMENTS["table"])] * told,
    )
    texts = list(ARGUMENTS.values())[1:]
    signature = types.int64(types.int64, *map(kind_of, texts))
    source = _source("call(kernel, ", weighted, batched, told)
    name = name_of(source, f"{signature} {kernel} {OPTIONS} {INLINED}")
    namespace = run_source(source)
    namespace["advance"].__globals__.update(call=calling(kernel), copy4=copying(4), copy2=copying(2))
    for each in ("twist", "temper", "shuffle", "gather", "advance"):
        function = namespace[each]
        # Symbols of machine code that comes from disk must not meet others of the same name.
        function.__module__, function.__qualname__ = __name__, f"passes_{each}_{name}"
        if each != "advance":
            inlined = numba.njit(**INLINED)(function)
            function.__globals__[each] = inlined
    compiled: Any = numba.njit(**OPTIONS)(namespace["advance"])
    compiled._cache = KernelCache(name)
    compiled.compile(signature)
    compiled.disable_compile()
    (made,) = compiled.overloads.values()
    return made.entry_point


@cache
def _plain(weighted: bool, batched: bool, told: bool) -> Any:
    return ieee(run_source(_source("kernel(", weighted, batched, told))["advance"])
