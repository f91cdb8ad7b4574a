"""Where the programs are, and which row of the test matrix (tests/matrix.cmake) this run is. ctest sets the environment."""

import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("C10K_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("C10K_BUILD", SOURCE / "build"))
MANAGE = BUILD / "manage"

# On what the programs run unless a test says otherwise.
BACKEND = os.environ.get("C10K_TEST_BACKEND") or "auto"
WORKERS = int(os.environ.get("C10K_TEST_WORKERS") or 1)
TLS = os.environ.get("C10K_TEST_TLS") == "1"  # whether servers and connections speak TLS where a test does not say

FULL = bool(os.environ.get("C10K_FULL"))  # ./test --full: each test in its long form, and all rows of the matrix
SKIPPED = 77  # an exit status that ctest knows


def in_full(many, few):
    """The whole number in full mode, and fewer otherwise."""
    return many if FULL else few


def for_programs():
    """The environment of our programs: without what would be settings to them."""
    return {name: value for name, value in os.environ.items() if not name.startswith("C10K_")}


def refusal_of_io_uring(program=MANAGE):
    """Why the kernel gives `program` no io_uring, or ""."""
    told = subprocess.run([program, "check", "--json"], stdout=subprocess.PIPE, check=False).stdout
    return json.loads(told)["machine"]["io_uring"]["refusal"]


def exit_if_not_for_here():
    """Ends the process as skipped if its row of the matrix is for another time or another machine."""
    reason = ""
    if os.environ.get("C10K_TEST_WHEN") == "full" and not FULL:
        reason = "this runs with C10K_FULL=1 (./test --full)"
    elif BACKEND == "io_uring":
        reason = refusal_of_io_uring()
    if reason:
        print(reason)
        sys.exit(SKIPPED)
