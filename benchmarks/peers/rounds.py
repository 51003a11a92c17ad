"""Finding every peer's best form, and timing all of them in turns."""

import math
from dataclasses import dataclass, field

import numpy as np

from peers.roster import FASTNN
from peers.workers import Worker, processors

ONE, MANY = "one", "many"


@dataclass
class Job:
    """A row's best form, ready to run, and what it took in each round."""

    peer: object
    kind: str
    tried: object  # workers.Tried
    workers: list
    rows: int
    tuning: list  # everything that was tried
    epochs: int = 1
    times: int = 1
    nanoseconds: list = field(default_factory=list)

    @property
    def key(self):
        return self.peer.row, self.kind

    def plan(self, problem, seconds):
        """Choose epochs and calls so that a round takes so many seconds or a little more."""
        a_row = self.tried.seconds * self.tried.networks
        wanted = max(1, math.ceil(seconds / (a_row * self.rows)))
        self.epochs = problem.epochs if self.tried.all_epochs else min(problem.epochs, wanted)
        self.times = max(1, math.ceil(wanted / self.epochs))

    def run(self):
        """Time a round: from the start of all workers to the end of the last."""
        for worker in self.workers:
            worker.ask("run", self.key, self.epochs, self.times)
        seconds = max(worker.answer() for worker in self.workers)
        visits = len(self.workers) * self.tried.networks * self.rows * self.epochs * self.times
        self.nanoseconds.append(seconds / visits * 1e9)


class Pool:
    """The worker processes, started when they are first needed, one for each processor."""

    def __init__(self):
        self.processors = processors() or [None]
        self.started = {}

    def workers(self, peer):
        if peer.processes not in self.started:
            homes = [None] if peer.own_threads else self.processors
            self.started[peer.processes] = [
                Worker(peer.environment, home, part) for part, home in enumerate(homes)
            ]
        return self.started[peer.processes]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in self.all():
            worker.close()

    def all(self):
        return [worker for workers in self.started.values() for worker in workers]

    def forget(self):
        for worker in self.all():
            worker.call("forget")


def compare(problem, peers, pool, rounds, seconds, tell=print):
    """Results by row and kind: what was timed, or why nothing was.

    Every round runs each job once, every other round in reverse order; a ratio is one round's time by
    the time of fastnn in the same round.
    """
    found, jobs = {}, []
    for peer in (*peers, FASTNN):
        found[peer.row] = {}
        for kind in (ONE, MANY):
            result = job_of(peer, kind, problem, pool)
            if isinstance(result, Job):
                result.plan(problem, seconds)
                jobs.append(result)
                what = f"{result.tried.form}, {result.tried.networks} networks"
                tell(f"  {peer.row}: {what}, {result.tried.seconds * 1e9:.3g} ns per network and row")
            elif result:
                found[peer.row][kind] = {"error": result}
                tell(f"  {peer.row}: {result}")
    for number in range(rounds):
        for job in jobs[:: 1 if number % 2 else -1]:
            job.run()
    ours = {job.kind: np.array(job.nanoseconds) for job in jobs if job.peer is FASTNN}
    for job in jobs:
        found[job.peer.row][job.kind] = summary(job, ours.get(job.kind))
    pool.forget()
    return found


def job_of(peer, kind, problem, pool):
    """A job, or in words why there is none, or None where the peer has no form of this kind."""
    if peer.missing:
        return f"not installed: {', '.join(peer.missing)}"
    workers = pool.workers(peer)
    if kind == ONE:
        workers = workers[:1]
    try:
        tuned = workers[0].call("tune", peer, problem, kind == MANY)
        if tuned is None and kind == MANY:  # one network after the other on every processor
            tuned = workers[0].call("tune", peer, problem, False)
        if tuned is None:
            return None
        tried, tuning = tuned
        job = (peer.row, kind), peer, problem, tried.form, tried.networks
        for worker in workers:
            worker.ask("make", *job)
        rows = [worker.answer() for worker in workers]
    except RuntimeError as error:
        return str(error)
    return Job(peer, kind, tried, workers, rows[0], tuning)


def summary(job, ours):
    """What the table and the file need."""
    values = np.array(job.nanoseconds)
    tuning = [f"{t.form}, {t.networks} networks: {t.seconds * 1e9:.3g} ns on a core" for t in job.tuning]
    return {
        "form": job.tried.form,
        "networks": job.tried.networks,
        "tried": tuning,
        "processes": len(job.workers),
        "rows": job.rows,
        "epochs": job.epochs,
        "rounds": values.tolist(),
        "nanoseconds": float(np.median(values)),
        "ratio": None if ours is None else float(np.median(values / ours)),
    }
