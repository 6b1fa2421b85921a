"""The processors that this process may use: a batch system, or a container, gives a job few of a machine's many."""


def usable_processors() -> int:
    """Return how many processors this process may use.

    The least of the machine's, those that the process is bound to, a container's limit on processor time (of Linux's control groups,
    rounded up), and what the environment's LOKY_MAX_CPU_COUNT says. Threads that PyTorch and FAISS start know the first two alone, and
    OMP_NUM_THREADS.
    """
    from joblib import cpu_count  # noqa: PLC0415 - a tenth of a second

    return int(cpu_count())
