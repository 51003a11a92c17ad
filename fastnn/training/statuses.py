"""The statuses of trained networks: the words, and their codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIVERGED", "OK", "STATUSES", "status_codes"]

OK, DIVERGED = STATUSES = ("ok", "diverged")


def status_codes(diverged: Any) -> NDArray[np.int8]:
    """The places in `STATUSES` of networks, from the epochs in which they diverged, or 0."""
    return np.asarray(np.asarray(diverged) > 0, np.int8)
