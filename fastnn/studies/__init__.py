"""The classroom report, repeated: each of its lines with thousands of starts instead of one.

::

    from fastnn import studies

    experiment = studies.Experiment(fastnn.load_insurance(), networks=10_000)
    found = studies.run(experiment)          # -> Studies
    found.claims()                           # DataFrame: the report's figures beside our distributions
    found.outcomes(), found.by_rows()        # how the starts ended; R² and MAPE against rows trained on
    found["L3"].verdict, found["L3"].reasons

    studies.learning_rates(experiment)       # L1 to L5 alone; it trains their sweeps, each once

The module `report` holds the report's statements, the module `verdicts` the rules that judge them.
"""

from fastnn.studies.experiment import Experiment
from fastnn.studies.lines import Line, data_size, generated_data, learning_rates, starting_parameters
from fastnn.studies.reasons import reasons
from fastnn.studies.results import Studies, run
from fastnn.studies.verdicts import Claim

__all__ = [
    "Claim",
    "Experiment",
    "Line",
    "Studies",
    "data_size",
    "generated_data",
    "learning_rates",
    "reasons",
    "run",
    "starting_parameters",
]
