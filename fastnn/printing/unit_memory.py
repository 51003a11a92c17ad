"""Where all that is kept of one network lies in memory, if a layer's units lie in the lanes of vectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import lcm

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.printing.infix import Lines

__all__ = ["MOST_OUTPUTS", "Memory", "Span", "Table", "VectorByVector", "spans_of"]

MOST_OUTPUTS = 4  # whose weighted sums are added up lane by lane, each in a variable of its own


@dataclass(frozen=True)
class Span:
    """How one number for each unit of a layer lies in vectors.

    `vectors` of them, of `registers` registers each, of `lanes` lanes each. The lanes left over hold 0.
    """

    units: int
    vectors: int
    registers: int
    lanes: int

    @property
    def vector(self) -> int:
        """How many numbers a vector holds."""
        return self.registers * self.lanes

    @property
    def numbers(self) -> int:
        """How many numbers all of them hold."""
        return self.vectors * self.vector


def spans_of(network: Network, lanes: int, most: int, before_output: int | None = None) -> list[Span]:
    """The span of each layer, the inputs' too, in as few vectors as `most` registers for each allow.

    Those of the last hidden layer have at most `before_output` registers, if that is given.
    """
    found = []
    for layer, units in enumerate(network.layers):
        is_last = 0 < layer == len(network.layers) - 2
        registers = max(1, -(-units // lanes))
        vectors = -(-registers // (before_output if is_last and before_output else most))
        found.append(Span(units, vectors, -(-registers // vectors), lanes))
    return found


@dataclass(frozen=True)
class Table:
    """Rows of numbers, one for each unit of a span; `first` is the place of the first one in memory."""

    span: Span
    rows: int
    first: int

    def vectors(self, name: str, offset: int = 0) -> str:
        """The line that names its vectors: [row], or [row, vector] where a row has several."""
        span = self.span
        where = f"{span.registers}, {span.lanes}, {(self.first + offset) // span.vector}, {span.vectors}"
        return f"{name} = Vectors(memory, {where})"

    def numbers(self, name: str) -> str:
        """The line that names its numbers: [row, unit], or [unit] where it has one row."""
        line = f"{name} = memory[{self.first}:{self.first + self.rows * self.span.numbers}]"
        return line if self.rows == 1 else f"{line}.reshape({self.rows}, {self.span.numbers})"


class VectorByVector(Table):
    """The same, with the first vectors of all rows before the second ones.

    So loops over vectors, and then over rows, go through memory from its beginning to its end. Measured: row
    after row 30-64-1 in vectors of 8 took x1.4, as reads waited for writes whose addresses end alike.
    """

    def vectors(self, name: str, offset: int = 0) -> str:
        """The line that names its vectors: [row], or [vector, row] where a row has several."""
        span = self.span
        inner = self.rows if span.vectors > 1 else 1
        where = f"{span.registers}, {span.lanes}, {(self.first + offset) // span.vector}, {inner}"
        return f"{name} = Vectors(memory, {where})"

    def place(self, row: str, unit: str, offset: int = 0) -> str:
        """The place of a number in memory."""
        first, vector = self.first + offset, self.span.vector
        if self.span.vectors == 1:
            return f"{first} + {row}*{vector} + {unit}"
        return f"{first} + {unit}//{vector}*{self.rows * vector} + {row}*{vector} + {unit}%{vector}"


class Memory:
    """Tables one after another: those of the parameters, the same for each state of them, and others.

    `T2` holds the weights of layer 2 input by input, each row one number for each unit; `W2` unit by unit,
    each row one number for each input; `B2` the biases. A layer of few outputs has no `T`, the first layer
    no `W`. Where there are both, both take part in updates if rows are worked on one by one; in batches `W`
    does, and is copied to `T` afterwards.

    Attributes
    ----------
    parameters : dict of str to VectorByVector
        What takes part in updates, weights first. That of letter n is n*stride numbers further on.
    copies : dict of str to VectorByVector
        What is copied after each batch.
    weights, biases : slice
        The numbers among which all weights, and all biases, lie.
    """

    def __init__(self, network: Network, rule: Rule, spans: list[Span]) -> None:
        self.network, self.spans = network, spans
        self.last = len(network.layers) - 1
        self.few = self.last > 1 and network.n_outputs <= MOST_OUTPUTS
        self._step = self._whole_step = lcm(*(span.vector for span in spans[1:]))
        self.end = 0
        apart = rule.batched or rule.measuring
        layers = range(1, self.last + 1)
        ways = [f"{way}{layer}" for layer in layers for way in self.ways(layer)]
        copied = [way for way in ways if apart and way[0] == "T" and f"W{way[1:]}" in ways]
        self.parameters = {way: self._parameters(*self._shape(way)) for way in ways if way not in copied}
        weights = self.end
        self.parameters |= {f"B{layer}": self._parameters(spans[layer], 1) for layer in layers}
        self.weights, self.biases = slice(0, weights), slice(weights, self.end)
        self.stride = self._up(self.end, self._step)
        self.letters = ("", *rule.states, *("g" * (rule.batched and not rule.measuring)))
        self.end = self.stride * len(self.letters)
        self.copies = {way: self._parameters(*self._shape(way)) for way in copied}
        self._first_kept = self.end

    def ways(self, layer: int) -> str:
        """Which ways round the weights of a layer are kept."""
        if layer == 1:
            return "T"
        return "W" if layer == self.last and self.few else "TW"

    def place(self, span: Span, rows: int) -> Table:
        """Room for a table."""
        return Table(span, rows, self._room(span, rows))

    def _parameters(self, span: Span, rows: int) -> VectorByVector:
        return VectorByVector(span, rows, self._room(span, rows))

    def _room(self, span: Span, rows: int) -> int:
        first = self._up(self.end, span.vector)
        self.end = first + rows * span.numbers
        self._whole_step = lcm(self._whole_step, span.vector)
        return first

    def views(self) -> Iterator[str]:
        """The lines that name the vectors of parameters, states and gradients, and the outputs' biases."""
        for number, letter in enumerate(self.letters):
            for name, table in self.parameters.items():
                yield table.vectors(f"{letter.upper()}{name}", number * self.stride)
            if self.few:
                first = self.parameters[f"B{self.last}"].first + number * self.stride
                yield f"{letter}b{self.last} = memory[{first}:{first + self.network.n_outputs}]"
        for name, table in self.copies.items():
            yield table.vectors(name)

    def allocation(self, dtype: str) -> str:
        """The line that makes the memory, which `write_in` fills."""
        return f"memory = aligned_zeros({self._up(self.end, self._whole_step)}, {dtype})"

    def write_in(self, lines: Lines, states: int) -> None:
        """Write the lines that bring the state of network m, `states` numbers a parameter, into memory."""
        # All else is written before it is read, but for the lanes left over of values of many outputs.
        with lines.block(f"for n in range({self._first_kept if self.few else self.end}):"):
            lines("memory[n] = 0.0")
        with self._each_part(lines, states):
            for place, others, number in self._numbers(lines):
                lines(f"memory[at + {place}] = state[m, first + {number}]")
                if not self.copies:
                    lines(*(f"memory[at + {other}] = state[m, first + {number}]" for other in others))

    def write_out(self, lines: Lines, states: int) -> None:
        """Write the lines that bring it back."""
        with self._each_part(lines, states):
            for place, _, number in self._numbers(lines):
                lines(f"state[m, first + {number}] = memory[at + {place}]")

    def write_copies(self, lines: Lines) -> None:
        """Write the lines that copy weights to where they are kept the other way round."""
        if self.copies:
            for place, others, _ in self._numbers(lines, twice=True):
                lines(*(f"memory[{other}] = memory[{place}]" for other in others))

    @contextmanager
    def _each_part(self, lines: Lines, states: int) -> Iterator[None]:
        """The loop over the parameters and their states."""
        with lines.block(f"for part in range({states}):"):
            lines(f"at, first = part*{self.stride}, part*{self.network.n_parameters}")
            yield

    def _numbers(self, lines: Lines, *, twice: bool = False) -> Iterator[tuple[str, list[str], str]]:
        """The loops over all parameters, or over those that are kept `twice`, in each of which to write.

        Yields the place in memory, those the other way round, and the number of the parameter.
        """
        for layer in range(1, self.last + 1):
            units, inputs = self.network.layers[layer], self.network.layers[layer - 1]
            weights, biases = self.network.slices[layer - 1]
            *others, way = (self._place_in(way + str(layer)) for way in self.ways(layer))
            if others or not twice:
                with lines.block(f"for j in range({units}):"), lines.block(f"for i in range({inputs}):"):
                    yield way, others, f"{weights.start} + j*{inputs} + i"
            if not twice:
                with lines.block(f"for j in range({units}):"):
                    yield f"{self.parameters[f'B{layer}'].first} + j", [], f"{biases.start} + j"

    def _place_in(self, way: str) -> str:
        """The place of the weight of unit j and input i."""
        return (self.parameters | self.copies)[way].place(*("ij" if way[0] == "T" else "ji"))

    def _shape(self, way: str) -> tuple[Span, int]:
        """The span of a row of weights, and how many rows there are."""
        layer, layers = int(way[1:]), self.network.layers
        return (
            (self.spans[layer], layers[layer - 1])
            if way[0] == "T"
            else (self.spans[layer - 1], layers[layer])
        )

    def _up(self, number: int, multiple: int) -> int:
        return -(-number // multiple) * multiple
