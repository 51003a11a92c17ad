"""The processes that do a peer's work: each keeps its libraries, its compiled code and its processor."""

import math
import multiprocessing
import os
import sys
import traceback
from dataclasses import dataclass
from time import perf_counter, process_time

from peers.forms import DisagreementError, checked

TUNING_SECONDS = 0.1
TUNED_AGAIN = 3
HOPELESS = 2.0  # a form slower than the best so far by this factor is not timed again
PAST_ITS_BEST = 1.3  # more networks are not tried if a form is slower than its own best by this factor
LONGEST_CALL = 1.0  # seconds: more networks are not tried after a call that takes longer


def processors():
    """The processors that this process may use, or None if the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


@dataclass(frozen=True)
class Tried:
    """A form with a number of networks, and its time: seconds per network and row."""

    form: str
    networks: int
    seconds: float
    all_epochs: bool


class Worker:
    """A process behind a pipe; `ask` and `answer` are separate, so that several workers run at once."""

    def __init__(self, environment, processor, part):
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=serve, args=(far, environment, processor, part), daemon=True)
        self.process.start()
        far.close()

    def ask(self, name, *arguments):
        self.pipe.send((name, arguments))

    def reply(self):
        """Return ("value", the answer) or ("error", the reason)."""
        return self.pipe.recv()

    def answer(self):
        kind, value = self.reply()
        if kind == "error":
            raise RuntimeError(value)
        return value

    def call(self, name, *arguments):
        self.ask(name, *arguments)
        return self.answer()

    def close(self):
        self.pipe.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.terminate()


def serve(pipe, environment, processor, part):
    """Answer questions until the pipe closes."""
    os.environ.update(environment)
    if processor is not None:
        os.sched_setaffinity(0, {processor})
    desk = Desk(part)
    while True:
        try:
            name, arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send(("value", getattr(desk, name)(*arguments)))
        except DisagreementError as error:
            pipe.send(("error", f"DISAGREES: {error}"))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            pipe.send(("error", f"failed: {type(error).__name__}"))


class Desk:
    """The answers of a worker, one method for each question."""

    def __init__(self, part):
        self.part = part
        self.problem = None
        self.trained_by = {}  # the checked Train of each form and number of networks
        self.jobs = {}

    def meet(self, problem):
        """Take up a problem, and drop the work prepared for the last one."""
        self.problem = problem
        self.trained_by.clear()
        self.jobs.clear()
        if "torch" in sys.modules:  # torch falls back to slow code after compiling a function eight times
            sys.modules["torch"].compiler.reset()

    def tune(self, peer):
        """Return every form with every number of networks, and its time.

        A form that cannot run here, such as a compiled one without a C compiler, is skipped. Wrong parameters
        raise an error.
        """
        found, failed = [], []
        for form in peer.forms(self.problem):
            for networks in form.networks:
                alike = [t for t in found if (t.networks > 1) == (networks > 1)]
                best = min((t.seconds for t in alike), default=math.inf)
                own = min((t.seconds for t in alike if t.form == form.name), default=math.inf)
                try:
                    train = self.checked(form, networks)
                    seconds, per_visit = timed(train, form, form.problem(self.problem), networks, best)
                except DisagreementError as error:
                    raise DisagreementError(f"{form.name}, {networks} networks: {error}") from error
                except Exception as error:
                    traceback.print_exc(file=sys.stderr)
                    failed.append(error)
                    break
                found.append(Tried(form.name, networks, per_visit, form.all_epochs))
                if seconds > LONGEST_CALL or per_visit > PAST_ITS_BEST * own:
                    break
        if failed and not found:
            raise failed[0]
        return found

    def make(self, key, peer, name, networks):
        """Prepare and check a job, which `run` runs by its key; return the number of its rows."""
        form = next(form for form in peer.forms(self.problem) if form.name == name)
        cut = form.problem(self.problem)
        self.jobs[key] = (self.checked(form, networks), cut.starts(networks, self.part))
        return len(cut.X)

    def checked(self, form, networks):
        """A form's Train for a number of networks, prepared and checked once."""
        key = form.name, networks
        if key not in self.trained_by:
            self.trained_by[key] = checked(form, form.problem(self.problem), networks)
        return self.trained_by[key]

    def run(self, key, epochs, times):
        """Train the job's networks `times` times for some epochs, and return the seconds."""
        train, starts = self.jobs[key]
        began = perf_counter()
        for _ in range(times):
            train(starts, epochs)
        return perf_counter() - began


def timed(train, form, problem, networks, best_of_others):
    """The processor seconds of the last call, and the least seconds per network and row of all calls."""
    starts = problem.starts(networks)
    epochs, best = problem.epochs if form.all_epochs else 1, math.inf
    for _ in range(TUNED_AGAIN):
        began = process_time()
        train(starts, epochs)
        seconds = process_time() - began
        best = min(best, seconds / (networks * len(problem.X) * epochs))
        if seconds > LONGEST_CALL or best > HOPELESS * best_of_others:
            break
        if not form.all_epochs:
            epochs = min(problem.epochs, max(epochs, int(epochs * TUNING_SECONDS / seconds)))
    return seconds, best
