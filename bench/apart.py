"""Work done in a process of its own, so that its CPU and its memory are its own."""

import os
import re
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from bench.servers import cpu_below


@dataclass
class Use:
    """Seconds of CPU, the memory at the start and at the most in MB, and what the work gave."""

    cpu: float
    before: float
    peak: float
    gave: object


def measured(work, *arguments):
    """`work` is a generator: what comes before its first `yield` prepares, what comes after is measured."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(run, work, arguments).result()


def run(work, arguments):
    steps = work(*arguments)
    next(steps)
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark of memory starts again from here
    before, start = memory("VmRSS"), processor()
    gave = next(steps, None)
    return Use(processor() - start, before, memory("VmHWM"), gave)


def processor():
    """Seconds of this process, and of those that it started, whether they have ended or stay warm."""
    ended = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + cpu_below(os.getpid())


def memory(word):
    """A line of this process's status, in MB."""
    return int(re.search(rf"{word}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
