"""The results as Markdown tables, and the notes below them."""

from peers.forms import TOLERANCE
from peers.goals import GOALS
from peers.problems import REFERENCE
from peers.roster import FASTNN, PEERS
from peers.rounds import MANY, ONE
from results import about

PACKAGES = ("numpy", "numba", "scikit-learn", "torch", "jax", "optax", "keras")
LIMIT = "the limit of multiply and add ports"


def report(results, light, problems, data):
    """The whole section: two tables, the goals and the notes."""
    others = [name for name in results if name != REFERENCE]
    parts = [
        f"{about(PACKAGES, data)} Nanoseconds per network and row; ×: by the time of fastnn in the "
        "same round, median."
    ]
    if REFERENCE in results:
        parts.append(reference_table(results[REFERENCE], light, problems[REFERENCE]))
    if others:
        parts.append(others_table({name: results[name] for name in others}, light, problems))
    return "\n\n".join([*parts, goals_table(results, light, problems), notes(results, light)])


def goals_table(results, light, problems):
    """The goals on all processors, and the results beside them."""
    lines = [
        "| aim, many networks | times faster | reached | | by the ports' limit |",
        "|---|--:|--:|---|--:|",
    ]
    for goal in GOALS:
        if best := goal.best(results.get(goal.problem, {})):
            peer, result = best
            most = result["nanoseconds"] / light.nanoseconds(problems[goal.problem])
            verdict = "reached" if result["ratio"] >= goal.times else "missed"
            what = f"{goal.problem}: than {goal.than}"
            reached = f"{number(result['ratio'])} | {verdict}, by {peer}"
            lines.append(f"| {what} | {number(goal.times)} | {reached} | {number(most)} |")
    return "\n".join(lines)


def reference_table(results, light, problem):
    """The reference sweep: one network on one processor, and the fastest number of networks on all."""
    lines = [
        "| 2-2-1, ReLU | one network, ns | × | many, ns | × | networks at once | best form |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for peer, kinds in results.items():
        one, many = kinds.get(ONE, {}), kinds.get(MANY, {})
        if error := many.get("error") or one.get("error"):
            lines.append(f"| {peer} | {error} | | | | | |")
            continue
        at_once = many.get("networks", "")
        cells = [peer, ns(one), ratio(one), ns(many), ratio(many), at_once, forms(one, many)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    limit, reached = light.nanoseconds(problem), fastnn_of(results, MANY)
    by_fastnn = f"{limit / reached:.2g}" if reached else ""
    lines.append(f"| {LIMIT} | | | {number(limit)} | {by_fastnn} | | each operation rounded once |")
    return "\n".join(lines)


def others_table(results, light, problems):
    """Other shapes, dtypes and numbers of rows: nanoseconds, and their ratio to fastnn's."""
    heads = [f"{name}: {kind}" for name in results for kind in (ONE, MANY)]
    lines = ["| |" + "".join(f" {head} |" for head in heads), "|---|" + "--:|" * len(heads)]
    measured = {name for some in results.values() for name in some}
    for peer in (peer.name for peer in (*PEERS, FASTNN) if peer.name in measured):
        cells = [both(some.get(peer, {}).get(kind, {})) for some in results.values() for kind in (ONE, MANY)]
        lines.append(f"| {peer} | {' | '.join(cells)} |")
    limits = [["", number(light.nanoseconds(problems[name]))] for name in results]
    lines.append(f"| {LIMIT} | {' | '.join(cell for pair in limits for cell in pair)} |")
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
        f"those tried. Limit: {light}; it counts the additions and multiplications of every row, which a "
        "sweep does not spend on units that are shut for good."
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


def both(result):
    if "error" in result:
        return result["error"]
    return f"{ns(result)} ({ratio(result)}×)" if "nanoseconds" in result else ""


def number(value):
    """A number with three digits, with two below 100, and its thousands apart."""
    return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ") if value >= 100 else f"{value:.2g}"
