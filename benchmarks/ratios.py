"""The promises of fastnn about its speed and memory, measured side by side in one process.

    python benchmarks/ratios.py [--data insurance.csv] [--yardstick FOLDER] [--write] [--quick]

Prints a table of ratios. On a shared machine times drift by a factor of two, but ratios of programs that run
in turns hardly drift. Times are processor times, without waiting for a processor; several threads and whole
processes are measured by the wall clock. Results are compared before anything is timed. `--write` puts the
table into RESULTS.md. Exits with 1 if a promise is broken.
"""

import argparse
import sys

import fastnn
import results
from promises import alone, further_rules, many_networks, no_waiting, one_network, processes, rules, sizes

PACKAGES = ("numpy", "numba", "pandas")


def main():
    arguments = parsed_arguments()
    data = fastnn.load_insurance(arguments.data, simulated=arguments.data is None)
    measures = (
        one_network.versus_python,
        one_network.versus_c,
        alone.versus_loop,
        many_networks.versus_numpy,
        many_networks.versus_yardstick(arguments.yardstick),
        many_networks.versus_one_thread,
        rules.versus_plain,
        rules.dying,
        further_rules.versus_plain,
        further_rules.softmax,
        sizes.over_rows,
        sizes.over_networks,
        processes.first_use,
        processes.first_sweep,
        processes.memory,
        no_waiting.general,
        no_waiting.compiling,
        no_waiting.never_met,
        no_waiting.tuning,
    )
    about = results.about(PACKAGES, data)
    print(about, "", f"{'':<44}{'promise':>8}{'median':>8}  {'5 % .. 95 %':<14}", sep="\n")
    lines = []
    for measure in measures:
        if arguments.only in measure.__qualname__:
            for line in measure(data, 3 if arguments.quick else 15):
                print(as_text(line), flush=True)
                lines.append(line)
    if arguments.write:
        results.write(results.RESULTS, "ratios", f"{about}\n\n{as_markdown(lines)}")
    return int(any(line.verdict == "BROKEN" for line in lines))


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the published insurance.csv; without it the simulated stand-in")
    parser.add_argument("--yardstick", metavar="FOLDER", help="the folder of a loop written by hand")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for a look, not for a claim")
    parser.add_argument("--only", default="", metavar="NAME", help="only measurements whose name holds NAME")
    arguments = parser.parse_args()
    if arguments.write and (arguments.quick or arguments.only):
        parser.error("--write needs all promises: leave out --quick and --only")
    return arguments


def as_text(line):
    """A line of the printed table; details and remarks are indented."""
    low, median, high = line.quantiles
    what = line.what if line.promised else f"  {line.what}{', ' * bool(line.unit)}{line.unit}"
    spread = f"{low} .. {high}" if len(line.values) > 1 else ""
    shown = f"{what:<44}{line.promised:>8}{median:>8}  {spread:<16}{line.verdict}".rstrip()
    return f"{shown}\n    {line.remark}" if line.remark else shown


def as_markdown(lines):
    """The table in Markdown: the promises, each with its details beside it."""
    table = ["| | promised | measured | | |", "|---|--:|--:|---|---|"]
    details = []
    for line in reversed(lines):
        if not line.promised:
            details.insert(0, f"{line.what} {line.quantiles[1]} {line.unit}".strip())
            continue
        notes = "; ".join(filter(None, [line.remark, *details]))
        promised = line.promised.replace(">=", "≥").replace("<=", "≤")
        table.insert(2, f"| {line.what} | {promised} | {line.quantiles[1]} | {line.verdict} | {notes} |")
        details = []
    return "\n".join(table)


if __name__ == "__main__":
    sys.exit(main())
