"""The processors that this process may use: a cluster's batch system gives a job few of a machine's many."""

import os


def usable_processors() -> int:
    """Return how many processors this process may use; a container's limit on their time is not seen."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
