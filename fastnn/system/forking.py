"""A lock that makes a fork wait while fastnn imports its modules, or compiles and checks kernels.

If a process forked while another thread compiled, the locks of Numba and of Python's imports would stay
taken for ever in the child. So the fork waits, and the child begins with all of these locks free.
"""

import logging
import os
from threading import RLock

__all__ = ["ONE_AT_A_TIME", "another_compiles"]

# Importing Numba takes the lock of `logging`, which registers a handler of its own at import. The handler
# registered last runs first, so `logging` must be imported before ours is registered.
_ = logging

ONE_AT_A_TIME = RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=ONE_AT_A_TIME.acquire,
        after_in_parent=ONE_AT_A_TIME.release,
        after_in_child=ONE_AT_A_TIME.release,
    )


def another_compiles() -> bool:
    """Whether another thread has the lock, as it does while it compiles."""
    if not ONE_AT_A_TIME.acquire(blocking=False):
        return True
    ONE_AT_A_TIME.release()
    return False
