"""Works for tests of clusters; workers import this module by its name."""

import os
import signal
import sys
import time
from pathlib import Path

from embed import EmbeddingOptions, Study
from embed.errors import InputError
from embed.fleet.cluster import Fleet


def square(number):
    """Of a number, slower for smaller ones."""
    time.sleep(0.02 * max(0, 5 - number))
    return number**2


def place(_):
    """Where a part runs: process, threads, folder."""
    return os.getpid(), os.environ["OMP_NUM_THREADS"], str(Path.cwd())


def refuse(number):
    """Refuse a number."""
    raise InputError(f"{number} is refused; give another")


class Deadly:
    """Kills its process in one part: the first time, or every time."""

    def __init__(self, part, folder, *, always=False):
        self.part, self.folder, self.always = part, folder, always

    def __call__(self, number):
        with (self.folder / f"{number}.log").open("a") as file:
            file.write(f"{os.getpid()}\n")
        if number == self.part and (self.always or len((self.folder / f"{number}.log").read_text().split()) == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return number + 1


class Logged:
    """A work that says, in a line of a file, when a part begins and when it ends, and where; a part takes a while."""

    def __init__(self, work, log, seconds):
        self.work, self.log, self.seconds = work, log, seconds

    def _say(self, what, name):
        with self.log.open("a") as file:
            file.write(f"{what} {name} {os.getpid()}\n")

    def __call__(self, part):
        name = str(part[0][0].glitch)
        self._say("begin", name)
        time.sleep(self.seconds)
        result = self.work(part)
        self._say("end", name)
        return result


def embed_logged(study, log, seconds, size, weights):
    """Embed a study on two workers; every part is logged."""
    from embed.vectors import embedding

    embedding.PART = int(size)
    with Study(study) as opened, Fleet("local:2") as fleet:

        def spread(work, parts, **options):
            return fleet(Logged(work, Path(log), float(seconds)), parts, **options)

        options = EmbeddingOptions(backbone="timm:test_efficientnet", weights=weights, runtime="torch")
        embedding.embed(opened, options, spread=spread)


if __name__ == "__main__":
    embed_logged(*sys.argv[1:])
