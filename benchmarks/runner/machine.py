"""The machine: what it is, and whether it was quiet while something was measured."""

import hashlib
import os
import resource
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MOST_SLOWER = 0.10  # than a core's best
MOST_BY_OTHERS = 0.10  # of the cores' time
MOST_STOLEN = 0.01
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def describe(build):
    """What a figure means nothing without."""
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    cache = (build / "CMakeCache.txt").read_text().splitlines()
    return {
        "cpu": cpu.split(":")[1].strip(),
        "cores": os.cpu_count(),
        "kernel": os.uname().release,
        "load": round(os.getloadavg()[0], 1),
        "commit": git("describe", "--always", "--dirty", "--exclude=*"),
        "build": next(line.split("=")[1] for line in cache if line.startswith("CMAKE_BUILD_TYPE:")),
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": " ".join(["./benchmarks/run", *sys.argv[1:]]),
    }


def git(*arguments):
    run = subprocess.run(["git", "--no-optional-locks", "-C", ROOT, *arguments], capture_output=True, text=True)
    return run.stdout.strip() if run.returncode == 0 else "unknown"


def cpu_seconds(pid):
    """The CPU time of a process, all threads, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


class Machine:
    """Knows how fast each core is at its best: of a throttled one nothing can be believed."""

    BYTES = bytes(1 << 20)

    def __init__(self, cores):
        self.cores = sorted(cores)
        self.best = {core: min(self.spin(core) for _ in range(20)) for core in self.cores}

    def spin(self, core):
        """How long a fixed piece of work takes on that core."""
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})
        try:
            times = []
            for _ in range(8):
                begin = time.perf_counter()
                hashlib.sha256(self.BYTES).digest()
                times.append(time.perf_counter() - begin)
            return min(times)
        finally:
            os.sched_setaffinity(0, allowed)

    def slow_cores(self):
        """Complaints about the cores that are slower than at their best."""
        complaints = []
        for core in self.cores:
            took = self.spin(core)
            self.best[core] = min(self.best[core], took)
            slower = took / self.best[core] - 1
            if slower > MOST_SLOWER:
                complaints.append(f"core {core} was {slower:.0%} slower than at its best")
        return complaints

    def ticks(self):
        """(busy, stolen, all) seconds of the cores since the start of the machine."""
        busy = stolen = all_ = 0
        for line in Path("/proc/stat").read_text().splitlines():
            name, *numbers = line.split()
            if name[:3] == "cpu" and name[3:].isdigit() and int(name[3:]) in self.cores:
                user, nice, system, idle, iowait, irq, softirq, steal = map(int, numbers[:8])
                busy += user + nice + system + irq + softirq
                stolen += steal
                all_ += user + nice + system + irq + softirq + idle + iowait + steal
        return busy / TICKS_PER_SECOND, stolen / TICKS_PER_SECOND, all_ / TICKS_PER_SECOND


def own_seconds():
    """The CPU time of this process, and of the children that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Watch:
    """Watches the machine during one run, which starts and ends its programs inside `with Watch(machine) as watch`.

    Afterwards watch.complaints says what was wrong: throttling, other programs, or time that the host took.
    """

    def __init__(self, machine):
        self.machine = machine
        self.complaints = []

    def __enter__(self):
        self.complaints += self.machine.slow_cores()
        self.before = (*self.machine.ticks(), own_seconds())
        return self

    def __exit__(self, *failure):
        after = (*self.machine.ticks(), own_seconds())
        busy, stolen, all_, own = (then - now for then, now in zip(after, self.before))
        if (busy - own) / all_ > MOST_BY_OTHERS:
            self.complaints.append(f"other programs took {(busy - own) / all_:.0%} of the cores")
        if stolen / all_ > MOST_STOLEN:
            self.complaints.append(f"the host took {stolen / all_:.0%} of the cores")
        self.complaints += [complaint for complaint in self.machine.slow_cores() if complaint not in self.complaints]
