"""The classroom's training loop (2-2-1, ReLU) written by hand: plain Python, C, NumPy with temporaries.

Each does the operations of fastnn's `loop` in the same order. So their results must agree to the last bit,
and only then are their times compared.
"""

import ctypes
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

C_FLAGS = ("-O3", "-march=native", "-ffp-contract=off")

C_SOURCE = """
extern "C" void train(double *p, const double *X, const double *Y, long rows, double step,
                      double *totals, long epochs) {
  double w1 = p[0], w2 = p[1], w3 = p[2], w4 = p[3], w5 = p[4], w6 = p[5], b1 = p[6], b2 = p[7], b3 = p[8];
  for (long e = 0; e < epochs; e++) {
    double total = 0.0;
    for (long i = 0; i < rows; i++) {
      double x1 = X[2 * i], x2 = X[2 * i + 1], y = Y[i];
      double z1 = w1 * x1 + w2 * x2 + b1, h1 = z1 <= 0.0 ? 0.0 : z1;
      double z2 = w3 * x1 + w4 * x2 + b2, h2 = z2 <= 0.0 ? 0.0 : z2;
      double yhat = w5 * h1 + w6 * h2 + b3;
      double d = yhat - y;
      total += d * d;
      double s = step * d;
      double s1 = z1 > 0.0 ? s * w5 : 0.0;
      double s2 = z2 > 0.0 ? s * w6 : 0.0;
      w1 += s1 * x1; w2 += s1 * x2; b1 += s1;
      w3 += s2 * x1; w4 += s2 * x2; b2 += s2;
      w5 += s * h1; w6 += s * h2; b3 += s;
    }
    totals[e] = total;
  }
  p[0] = w1; p[1] = w2; p[2] = w3; p[3] = w4; p[4] = w5; p[5] = w6; p[6] = b1; p[7] = b2; p[8] = b3;
}
"""


def python_loop(parameters, rows, step, epochs):
    """Train nine parameters on rows (x1, x2, y); return the trained parameters and each epoch's total."""
    w1, w2, w3, w4, w5, w6, b1, b2, b3 = parameters
    totals = []
    for _ in range(epochs):
        total = 0.0
        for x1, x2, y in rows:
            z1 = w1 * x1 + w2 * x2 + b1
            h1 = 0.0 if z1 <= 0.0 else z1
            z2 = w3 * x1 + w4 * x2 + b2
            h2 = 0.0 if z2 <= 0.0 else z2
            yhat = w5 * h1 + w6 * h2 + b3
            d = yhat - y
            total += d * d
            s = step * d
            s1 = s * w5 if z1 > 0.0 else 0.0
            s2 = s * w6 if z2 > 0.0 else 0.0
            w1 += s1 * x1
            w2 += s1 * x2
            b1 += s1
            w3 += s2 * x1
            w4 += s2 * x2
            b2 += s2
            w5 += s * h1
            w6 += s * h2
            b3 += s
        totals.append(total)
    return [w1, w2, w3, w4, w5, w6, b1, b2, b3], totals


def numpy_loop(parameters, X, Y, step, totals):
    """Train M networks at once, in plain NumPy; `parameters` (9, M) and `totals` (M, E) change in place."""
    w1, w2, w3, w4, w5, w6, b1, b2, b3 = parameters
    rows = list(zip(X[:, 0], X[:, 1], Y[:, 0], strict=True))
    for e in range(totals.shape[1]):
        for x1, x2, y in rows:
            z1 = w1 * x1 + w2 * x2 + b1
            h1 = np.maximum(z1, 0.0)
            z2 = w3 * x1 + w4 * x2 + b2
            h2 = np.maximum(z2, 0.0)
            yhat = w5 * h1 + w6 * h2 + b3
            d = yhat - y
            totals[:, e] += d * d
            s = step * d
            s1 = np.where(z1 > 0.0, s * w5, 0.0)
            s2 = np.where(z2 > 0.0, s * w6, 0.0)
            w1 += s1 * x1
            w2 += s1 * x2
            b1 += s1
            w3 += s2 * x1
            w4 += s2 * x2
            b2 += s2
            w5 += s * h1
            w6 += s * h2
            b3 += s


def compiled_c():
    """The C loop as a function of (parameters (9,), X, Y, step, totals (E,)), or None without g++."""
    compiler = shutil.which("g++")
    if compiler is None:
        return None
    with TemporaryDirectory() as folder:
        source, library = Path(folder, "loop.cpp"), Path(folder, "loop.so")
        source.write_text(C_SOURCE)
        subprocess.run([compiler, *C_FLAGS, "-shared", "-fPIC", source, "-o", library], check=True)
        train = ctypes.CDLL(str(library)).train  # stays loaded after the file is removed
    array = np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS")
    train.argtypes = [array, array, array, ctypes.c_long, ctypes.c_double, array, ctypes.c_long]
    train.restype = None
    return lambda p, X, Y, step, totals: train(p, X, Y, len(X), step, totals, len(totals))
