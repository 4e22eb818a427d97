"""Compiled loops load and run where compiled code can be kept nowhere."""

import subprocess
import sys

_WITHOUT_A_PLACE = """
from numba.core import caching
caching.CacheImpl._locator_classes = []
import numpy as np
from facekeep.split import scan
from facekeep.split.kernels import add
into = np.array([250, 1], np.uint8)
add(into, np.array([10, 2], np.uint8), False)
print(into.tolist())
"""


def test_an_account_that_may_write_nowhere_compiles_in_each_process() -> None:
    ran = subprocess.run([sys.executable, "-c", _WITHOUT_A_PLACE], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("[4, 3]\n", "")
