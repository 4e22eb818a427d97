"""What is warmed up: every kernel that a search runs."""

import subprocess
import sys

from tests.cli.conftest import clean_environment

_PROGRAM = """
from facekeep.service.warming import warm_up
from facekeep.split import kernels, scan
warm_up()
compiled = {n: f for m in (kernels, scan) for n, f in vars(m).items() if hasattr(f, "nopython_signatures")}
for inner in ("_drawn", "_raised_sums"):  # compiled within those that call them
    del compiled[inner]
print(sorted(name for name, function in compiled.items() if not function.nopython_signatures))
print(len(compiled))
"""


def test_every_kernel_of_a_search_is_ready_afterwards() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, env=clean_environment(), check=True, text=True
    )
    cold, count = ran.stdout.splitlines()
    assert cold == "[]"
    assert int(count) == 8
