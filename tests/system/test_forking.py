"""Children that are forked while another thread imports, compiles or checks."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastnn.system.forking import ONE_AT_A_TIME, another_compiles

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")

# A kernel is compiled in a thread; the child needs one of its own, and is given up where it waits for ever.
PROGRAM = """
import os, signal, sys, threading, time
import fastnn

begun = threading.Event()

def compile_one():
    begun.set()
    fastnn.warmup(fastnn.Network((3, 4, 1)), engine)

engine, delay = sys.argv[1], float(sys.argv[2])
assert engine in fastnn.ENGINES  # a first name of fastnn's has been asked for
thread = threading.Thread(target=compile_one)
thread.start()
begun.wait()
time.sleep(delay)
child = os.fork()
if child == 0:
    signal.alarm(90)
    run = fastnn.train(fastnn.Network((1, 1)), [0, 1, 2], [1, 3, 5], [0, 0], learning_rate=0.125, epochs=2)
    os._exit(0 if run.loss < 10 else 1)
_, status = os.waitpid(child, 0)
thread.join()
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize(("engine", "delay"), [("loop", 0.0), ("lanes", 0.05), ("loop", 0.3), ("lanes", 1.0)])
def test_child_forked_while_a_thread_compiles_compiles_too(engine, delay):
    environment = {**os.environ, "FASTNN_CACHE": "0"}
    command = [sys.executable, "-c", PROGRAM, engine, str(delay)]
    done = subprocess.run(command, env=environment, timeout=200, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_only_other_threads_are_told_of_one_that_compiles():
    with ThreadPoolExecutor(1) as pool:
        with ONE_AT_A_TIME:
            assert pool.submit(another_compiles).result()
            assert not another_compiles()
        assert not pool.submit(another_compiles).result()
