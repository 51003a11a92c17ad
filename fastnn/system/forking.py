"""A lock for what no fork may interrupt: importing what fastnn needs, compiling and checking kernels.

A child whose parent was compiling in another thread would find the locks of Numba and of Python's imports
taken for ever. So a fork waits until that is over; the child begins with all of them free.
"""

import logging
import os
from threading import RLock

__all__ = ["ONE_AT_A_TIME"]

# `logging` registers a handler of its own for its lock, which importing Numba needs. What is registered last
# runs first: so it must have been imported before.
_ = logging

ONE_AT_A_TIME = RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=ONE_AT_A_TIME.acquire,
        after_in_parent=ONE_AT_A_TIME.release,
        after_in_child=ONE_AT_A_TIME.release,
    )
