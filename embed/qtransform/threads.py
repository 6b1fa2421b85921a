"""Work shared between threads, each operation on one core."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


def in_threads(compute: Callable[[T], R], items: Iterable[T], device: torch.device) -> Iterator[R]:
    """Compute items side by side on a CPU, one after the other on a GPU.

    Thousands of short operations that share the cores spend more time waiting for each other than computing, and far
    more when other programs want the cores too. Nor do the results depend on the number of cores this way.

    Parameters
    ----------
    compute : callable
        Of one item.
    items : iterable
        Taken as they are needed: at most two for each thread are alive.
    device : torch.device
        Where the computing happens.

    Yields
    ------
    object
        Results, in the order of the items.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        yield from map(compute, items)
        return
    waiting: deque[Future[R]] = deque()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for item in items:
                if len(waiting) == 2 * threads:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(compute, item))
            while waiting:
                yield waiting.popleft().result()
    finally:
        torch.set_num_threads(threads)  # the workers' setting is theirs, but also the default of threads to come
