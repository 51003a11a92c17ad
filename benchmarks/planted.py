"""Whether a slowdown would be found: every benchmark of the suite, as it is and with a fifth more work.

    python planted.py                       # each benchmark with its first parameters; half an hour
    python planted.py --bench bench_starts  # some of them; a regular expression
    python planted.py --all                 # with all of their parameters
    python planted.py --bench Visits --again 10    # as it is, ten more times: the noise

Each measurement runs in a process of its own, in turns, in as many rounds as `asv continuous` does it; and
asv judges, by its own statistics. What is timed is followed by a fifth of its time in idle work; what is
tracked is multiplied by 1.2. Exits with 1 if a slowdown is missed, or if one is found where there is none.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

SUITE = Path(__file__).resolve().with_name("suite")
sys.path.insert(0, str(SUITE.parent))

SLOWER, FACTOR = 1.2, 1.1


@dataclass
class Found:
    """What a benchmark gave: the samples of a time, or a number that is tracked."""

    samples: list = field(default_factory=list)
    number: int = 1  # calls in each sample
    value: float | None = None

    def add(self, result):
        """Add another round."""
        if isinstance(result, dict):
            self.samples += result["samples"]
            self.number = result["number"]
        else:
            self.value = result

    @property
    def judged(self):
        """(value, (statistics, samples)), as asv keeps them."""
        from asv_runner.statistics import compute_stats

        if not self.samples:
            return self.value, None
        value, statistics = compute_stats(self.samples, self.number)
        return value, (statistics, self.samples)


def worse(old, new, factor=FACTOR):
    """Whether `asv continuous` would call the new one worse than the old one."""
    from asv.commands.compare import _is_result_better

    (before, before_samples), (after, after_samples) = old.judged, new.judged
    return _is_result_better(before, after, before_samples, after_samples, factor)


def slowed(function, by):
    """The same function, followed by idle work that makes it slower by a factor."""
    from suite.timing import spent

    def slower(*arguments):
        began = spent()
        result = function(*arguments)
        end = spent()
        while spent() < end + (by - 1) * (end - began):
            pass
        return result

    return slower


def measured(name, index, by):
    """Run a benchmark of the suite in this process, slower by a factor; return what asv would write down."""
    from asv_runner.discovery import get_benchmark_from_name

    benchmark = get_benchmark_from_name(str(SUITE), name)
    if benchmark._params:
        benchmark.set_param_idx(index)
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        benchmark.set_cache(benchmark.do_setup_cache())
        try:
            if benchmark.do_setup():
                return None
            if benchmark.type == "time" and by > 1:
                benchmark.func = slowed(benchmark.func, by)
            result = benchmark.do_run()
        finally:
            benchmark.do_teardown()
            os.chdir(SUITE.parent)
    return result if benchmark.type == "time" else result * by


def in_a_process(name, index, by=1.0):
    """The same, in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, str(index), str(by)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def compared(name, index, rounds, again=1):
    """A benchmark as it is, `again` times more, and slower, round by round: a `Found` for each, or None.

    None if the benchmark leaves these parameters out.
    """
    plain, slower, others = Found(), Found(), [Found() for _ in range(again)]
    for _ in range(rounds):
        first = in_a_process(name, index)
        if first is None:
            return None
        plain.add(first)
        slower.add(in_a_process(name, index, SLOWER))
        for other in others:
            other.add(in_a_process(name, index))
    return plain, others, slower


def benchmarks(pattern, every):
    """(name, index of parameters, name with them, rounds) of all benchmarks whose name matches a pattern."""
    from asv_runner.discovery import disc_benchmarks

    for benchmark in disc_benchmarks(str(SUITE)):
        for index, values in enumerate(product(*benchmark.params)):
            shown = f"{benchmark.name}({', '.join(values)})" if values else benchmark.name
            if re.search(pattern, shown) and (every or not index):
                yield benchmark.name, index, shown, getattr(benchmark, "rounds", 1)


def main():
    arguments = parsed_arguments()
    if arguments.measure:
        name, index, by = arguments.measure
        print(json.dumps(measured(name, int(index), float(by))))
        return 0
    wrong = 0
    print(f"{'as it is, by itself':>24}{'slower':>9}   benchmark")
    for name, index, shown, rounds in benchmarks(arguments.bench, arguments.all):
        found = compared(name, index, rounds, arguments.again)
        if found is None:
            continue
        plain, others, slower = found
        value = plain.judged[0]
        ratios = sorted(other.judged[0] / value if value else 1.0 for other in others)
        faults = ["MISSED"] * (not worse(plain, slower) and bool(value))
        faults += ["FOUND WHERE NONE IS"] * any(worse(plain, o) or worse(o, plain) for o in others)
        by = slower.judged[0] / value if value else 1.0
        spread = " .. ".join(f"{ratio:.3f}" for ratio in dict.fromkeys((ratios[0], ratios[-1])))
        print(f"{spread:>24}{by:>9.3f}   {' '.join([shown, *faults])}", flush=True)
        wrong += bool(faults)
    return int(wrong > 0)


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default="", help="only benchmarks that this regular expression matches")
    parser.add_argument("--all", action="store_true", help="with all parameters, not only with the first")
    parser.add_argument("--again", type=int, default=1, help="how often each is run again as it is")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
