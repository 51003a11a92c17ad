"""Quality beside speed: the results of a fixed sweep.

There is no noise here: a change means that the arithmetic, the starts or the data changed.
"""

import numpy as np

import fastnn
from suite.common import CLASSROOM, LEARNING_RATE, START, insurance

NETWORKS = 500
EPOCHS = 100


class Quality:
    """500 networks of 2-2-1, 100 epochs over the 1338 rows of the simulated stand-in, seed 0."""

    def setup_cache(self):
        data = insurance()
        settings = {"start": START, "learning_rate": LEARNING_RATE, "seed": 0, "progress": False}
        swept = fastnn.sweep(CLASSROOM, data.X, data.y, networks=NETWORKS, epochs=EPOCHS, **settings)
        r2 = swept.score(data)["r2"].to_numpy()
        return {
            "loss": swept.loss,
            "r2": r2,
            "with dead units": int((swept.dead_units() > 0).sum()),
            "diverged": int((swept.diverged > 0).sum()),
        }

    def track_loss_quantile(self, found, quantile):
        return float(np.nanquantile(found["loss"], quantile))

    track_loss_quantile.params = (0.0, 0.05, 0.5, 0.95)
    track_loss_quantile.param_names = ("quantile",)
    track_loss_quantile.unit = "mean squared error, scaled"

    def track_unexplained_quantile(self, found, quantile):
        """1 - R², so that larger is worse, as asv takes everything to be, and no ratio is of a negative."""
        return float(np.nanquantile(1 - found["r2"], quantile))

    track_unexplained_quantile.params = (0.0, 0.05, 0.5, 0.95)
    track_unexplained_quantile.param_names = ("quantile",)
    track_unexplained_quantile.unit = "1 - R²"

    def track_networks(self, found, which):
        return found[which]

    track_networks.params = ("with dead units", "diverged")
    track_networks.param_names = ("which",)
    track_networks.unit = f"of {NETWORKS} networks"
