"""Steps in processes of their own, to be killed or to meet a limit: forked from one process that has the slow imports behind it."""

import multiprocessing
import os
import socket
import time

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["embed.vectors.embedding", "embed.training.trainer", "timm", "faiss"])


def run_step(step, *arguments, kill_when=None):
    """Call a function of a module in a new process; returns its exit code, and how long it took.

    With `kill_when` the process is killed as soon as that returns true of the seconds since the start.
    """
    process = _started(step, arguments, {})
    start = time.perf_counter()
    while kill_when is not None and process.is_alive():
        if kill_when(time.perf_counter() - start):
            process.kill()
            break
        time.sleep(0.002)
    process.join(300)
    return process.exitcode, time.perf_counter() - start


def run_ranks(step, *arguments, world):
    """Call a function in so many processes that find each other as `torchrun` has them do; returns their exit codes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [
        _started(step, arguments, {"RANK": str(rank), "LOCAL_RANK": str(rank)} | {k: str(v) for k, v in shared.items()})
        for rank in range(world)
    ]
    for process in processes:
        process.join(300)
    return [process.exitcode for process in processes]


def _started(step, arguments, environment):
    process = _CONTEXT.Process(target=_call, args=(dict(os.environ) | environment, step, arguments))
    process.start()
    return process


def _call(environment, step, arguments):
    os.environ.update(environment)
    step(*arguments)


def ingest_in_parts(folder, data):
    """Into a study, five pictures a transaction."""
    import embed.ingest.folders
    from embed import Study, ingest_folder

    embed.ingest.folders.BATCH = 5
    with Study(folder, create=True) as study, study.run("ingest"):
        ingest_folder(study, data)


def embed_in_parts(folder, tiny):
    """Three glitches a part."""
    import embed.vectors.embedding
    from embed import EmbeddingOptions, Study

    embed.vectors.embedding.PART = 3
    with Study(folder) as study:
        embed.vectors.embedding.embed(study, EmbeddingOptions(**tiny))


def embed_within(folder, tiny, limit, said):
    """Embed where no file may be longer than so many bytes; the error is written into a file that has been opened before."""
    import resource

    from embed import EmbeddingOptions, Study, embed
    from embed.errors import DiscoverError

    with said.open("w") as file, Study(folder) as study:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            embed(study, EmbeddingOptions(**tiny))
        except DiscoverError as error:
            file.write(f"{type(error).__name__} {error}")


def train_anew(folder, options, changes):
    """On one thread, so that every process sums alike."""
    import torch

    from embed import Study
    from embed.training.trainer import train

    torch.set_num_threads(1)
    with Study(folder) as study:
        train(study, options, changes=changes)
