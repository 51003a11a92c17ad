"""The results as Markdown tables, with the limit of the ports beside them, and the notes below."""

from limits.light import WHAT
from peers.forms import TOLERANCE
from peers.goals import GOALS
from peers.rounds import MANY, ONE
from results import about

PACKAGES = ("numpy", "numba", "scikit-learn", "torch", "jax", "optax", "keras")
LIMIT = "the limit of {} bits"


def report(results, light, problems, data):
    """The whole section: a table for each problem, the goals and the notes."""
    begin = (
        f"{about(PACKAGES, data)} Nanoseconds per network and row; ×: by the time of fastnn in the "
        "same round, median; ÷: many networks by the limit of the ports, with registers of so many bits."
    )
    tables = [table(name, of_peers, light, problems[name]) for name, of_peers in results.items()]
    return "\n\n".join([begin, *tables, goals_table(results, light, problems), notes(results, light)])


def limits(light, problem):
    """The least nanoseconds per network and row on all processors, for each width of the registers."""
    return [
        light.nanoseconds(problem.network, problem.recipe, str(problem.dtype), bits) for bits in light.widths
    ]


def goals_table(results, light, problems):
    """The goals on all processors, and the results beside them."""
    widths = "".join(f" ÷ limit, {bits} bits |" for bits in light.widths)
    lines = [
        f"| aim, many networks | times faster | reached | |{widths}",
        "|---|--:|--:|---|" + "--:|" * len(light.widths),
    ]
    for goal in GOALS:
        if best := goal.best(results.get(goal.problem, {})):
            peer, result = best
            most = [number(result["nanoseconds"] / limit) for limit in limits(light, problems[goal.problem])]
            verdict = "reached" if result["ratio"] >= goal.times else "missed"
            what = f"{goal.problem}: than {goal.than}"
            cells = [what, number(goal.times), number(result["ratio"]), f"{verdict}, by {peer}", *most]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def table(name, results, light, problem):
    """A problem's table: one network on one processor, the fastest number of networks on all, the limit."""
    heads = [f"{name}, ReLU", "one network, ns", "×", "many, ns", "×"]
    heads += [f"÷ {bits} bits" for bits in light.widths] + ["networks at once", "best form"]
    lines = [f"| {' | '.join(heads)} |", "|---|" + "--:|" * (len(heads) - 2) + "---|"]
    least = limits(light, problem)
    for peer, kinds in results.items():
        one, many = kinds.get(ONE, {}), kinds.get(MANY, {})
        if error := many.get("error") or one.get("error"):
            cells = [peer, error, *[""] * (len(heads) - 2)]
        else:
            by_limit = [number(many["nanoseconds"] / limit) if many else "" for limit in least]
            at_once = many.get("networks", "")
            cells = [peer, ns(one), ratio(one), ns(many), ratio(many), *by_limit, at_once, forms(one, many)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    reached = fastnn_of(results, MANY)
    for bits, limit in zip(light.widths, least, strict=True):
        by_fastnn = number(limit / reached) if reached else ""
        by_limits = [number(limit / other) for other in least]
        cells = [LIMIT.format(bits), "", "", number(limit), by_fastnn, *by_limits, "", "each operation once"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def notes(results, light):
    """The notes: how the peers were measured."""
    fewer = sorted(
        {(kinds[kind]["rows"], peer) for peer, kinds in next(iter(results.values())).items() for kind in kinds
         if kinds[kind].get("rows", 10**9) < 1000}
    )  # fmt: skip
    shortened = "; ".join(f"{peer}: {rows}" for rows, peer in fewer)
    tolerances = ", ".join(f"{value:.0e} in {dtype}" for dtype, value in TOLERANCE.items())
    return (
        f"Every form first reached fastnn's parameters from the same starts (within {tolerances}; 1e-07 for "
        "Keras, which keeps its learning rate in float32), rows in file order, the learning rate 0.005, "
        "Adam's 0.001. "
        "One network: on one processor. Many: all processors, each with its own process and networks; "
        "`fastnn.sweep` brings its own threads and always runs all epochs. Moving starts in and parameters "
        "out is inside the clock, compiling is not. The form and the number of networks are the fastest of "
        f"those tried. {WHAT} A sweep does not spend it on units that are shut for good. {light}."
        + (f" Rows visited by the slow ones: {shortened}." if shortened else "")
    )


def fastnn_of(results, kind):
    """fastnn's own nanoseconds: its ratio is one."""
    ours = (kinds[kind] for kinds in results.values() if kinds.get(kind, {}).get("ratio") == 1.0)
    return next((result["nanoseconds"] for result in ours), None)


def forms(one, many):
    """The names of both forms, one name if they are equal."""
    names = dict.fromkeys(kind["form"] for kind in (one, many) if kind)
    return "; ".join(names)


def ns(result):
    return number(result["nanoseconds"]) if "nanoseconds" in result else ""


def ratio(result):
    return number(result["ratio"]) if result.get("ratio") else ""


def number(value):
    """A number with three digits, with two below 100, and its thousands apart."""
    return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ") if value >= 100 else f"{value:.2g}"
