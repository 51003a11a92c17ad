"""What the ports of this core leave of a promise: no program is faster than the operations it has to do."""

import numpy as np

from limits.light import Light
from promises.measuring import Line


def beside_plain(title, ratio, promise, plain, network, recipe, dtype):
    """The time of a rule by that of the plain one, `plain` in seconds: round by round, as `ratio`.

    Where the operations of the rule alone take longer than the promise allows, it is out of reach.
    """
    if promise is None:
        return Line(title, ratio)
    light = Light.measured(1)
    limit = min(light.nanoseconds(network, recipe, dtype, bits) for bits in light.widths)
    least = limit / (1e9 * float(np.median(plain)))
    out_of_reach = least > promise
    remark = f"the ports of this core allow {least:.1f} at best" if out_of_reach else ""
    return Line(title, ratio, promise, out_of_reach=out_of_reach, remark=remark)
