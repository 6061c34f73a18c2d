"""Work done in a process of its own, so that its CPU and its memory are its own."""

import os
import re
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from types import SimpleNamespace

from bench.servers import cpu_below, memory_below


@dataclass
class Use:
    """Seconds of CPU and of waiting, the memory at the start and at the most in MB, and what the work gave."""

    cpu: float
    wall: float
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
    before, start, begun = memory("VmRSS"), processor(), time.perf_counter()
    gave = next(steps, None)
    return Use(processor() - start, time.perf_counter() - begun, before, memory("VmHWM"), gave)


def processor():
    """Seconds of this process, and of those that it started, whether they have ended or stay warm."""
    ended = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + cpu_below(os.getpid())


@contextmanager
def looked_at():
    """The `peak` of the processes that this one starts meanwhile, in MB: the most that one of them took."""
    found, over = SimpleNamespace(peak=0.0), threading.Event()

    def look():
        while not over.wait(0.1):
            found.peak = max(found.peak, memory_below(os.getpid()))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        over.set()
        looking.join()


def memory(word):
    """A line of this process's status, in MB."""
    return int(re.search(rf"{word}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
