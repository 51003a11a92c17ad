"""The same job by fastnn and by its peers, side by side: one command, one table.

    python benchmarks/peers [--data insurance.csv] [--json results.json] [--write] [--quick]

Each peer must first reach the same parameters. Then its best form is found by trying, and at last all peers
run in turns. `--write` puts the tables into RESULTS.md and some of their lines into the README. Exits with 1
if a peer reaches other parameters.
"""

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

if not __package__:  # run as a folder, `python peers`: the package is imported from the folder's parent
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import fastnn
import readme
from limits.light import Light
from peers import problems, tables
from peers.roster import PEERS
from peers.rounds import Pool, compare
from results import RESULTS, write

BEGAN = perf_counter()


def main():
    arguments = parsed_arguments()
    data = fastnn.load_insurance(arguments.data, simulated=arguments.data is None)
    jobs = problems.problems(data)
    if arguments.problem or arguments.quick:
        jobs = {name: jobs[name] for name in arguments.problem or [problems.REFERENCE]}
    peers = [peer for peer in PEERS if not arguments.peer or any(a in peer.name for a in arguments.peer)]
    rounds, seconds = (2, 0.05) if arguments.quick else (arguments.rounds, 0.1)
    results = {}
    with Pool() as pool:
        light = Light.measured(len(pool.processors))
        tell(light)
        for name, problem in jobs.items():
            tell(name)
            some = [peer for peer in peers if peer.does(problem)]
            results[name] = compare(problem, some, pool, rounds, seconds, tell)
            keep(arguments.json, results, light)
    section = tables.report(results, light, jobs, data)
    print(section)
    if arguments.write:
        write(RESULTS, "peers", section)
        readme.main()
    return int("DISAGREES" in json.dumps(results))


def tell(what):
    """Print progress, with the seconds since the start."""
    print(f"{perf_counter() - BEGAN:5.0f} s  {what}", flush=True)


def keep(path, results, light):
    """Write the results so far."""
    if path:
        Path(path).write_text(json.dumps({"limit": str(light), "problems": results}, indent=1))


def parsed_arguments():
    parser = argparse.ArgumentParser(prog="peers", description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the published insurance.csv; without it the simulated stand-in")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds, in each of which all run")
    parser.add_argument("--json", help="a file for all numbers")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md and the README")
    parser.add_argument("--quick", action="store_true", help="the reference sweep only, short: for a look")
    parser.add_argument("--problem", action="append", help="only this problem; may be repeated")
    parser.add_argument("--peer", action="append", help="only peers whose name holds this; may be repeated")
    arguments = parser.parse_args()
    if arguments.write and (arguments.quick or arguments.problem or arguments.peer):
        parser.error("--write needs the whole comparison: leave out --quick, --problem and --peer")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
