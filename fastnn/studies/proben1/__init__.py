"""Sets of the Proben1 benchmarks, trained as their report says: its mean errors beside our many starts.

::

    from fastnn.studies import proben1

    found = proben1.run("cancer1.dt", starts=60)         # -> Outcome
    found.errors.median, found.verdict

Lutz Prechelt, "PROBEN1 - a set of neural network benchmark problems and benchmarking rules", technical report
21/94, Universität Karlsruhe, 1994. The sets do not come with fastnn.
"""

from fastnn.studies.proben1.outcomes import Outcome, Spread, table
from fastnn.studies.proben1.published import PUBLISHED, Published
from fastnn.studies.proben1.sets import BenchmarkSet, read
from fastnn.studies.proben1.stopping import Stop, stop
from fastnn.studies.proben1.study import STARTS, run

__all__ = ["PUBLISHED", "STARTS", "BenchmarkSet", "Outcome", "Published", "Spread", "Stop"]
__all__ += ["read", "run", "stop", "table"]
