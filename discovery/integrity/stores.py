"""The check of vector stores: files by their hashes, or, where none are kept, index and graph against the vectors."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from discovery.integrity.finding import REPAIR, Finding
from discovery.integrity.sealed import NO_SUMS, check_folder, fine, finished_folders, rewrite_sums
from discovery.integrity.unsealed import SAMPLE, check_unsealed, misnamed
from embed.csvfile import write_csv
from embed.errors import StudyError
from embed.storage import file_digest, write_array, write_text
from embed.study.study import Study
from embed.sums import check_sums, write_sums
from embed.vectors.graph import neighbour_graph, save_graph
from embed.vectors.index import DEFAULT_K, build_index, save_index
from embed.vectors.standing import asked_digest
from embed.vectors.store import MARK, VectorStore
from embed.views.encoding import stored_encoding
from embed.views.selection import wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FROM_VECTORS = ("index.faiss", "graph.npz")
_FROM_STUDY = ("glitches.npy", "inputs.npy", "ids.txt", "left-out.csv")


def check_stores(study: Study | None, folder: Path, advance: Callable[[int], None]) -> list[Finding]:
    """Check every vector store of a study.

    Parameters
    ----------
    study : Study or None
        None where its database cannot be read: what is made from it cannot be repaired.
    folder : Path
        The study's.
    advance : callable
        Called with the bytes of each file.

    Returns
    -------
    list of Finding
        For each store one that is fine, or one for each fault.
    """
    found = []
    for path in finished_folders(folder / "vectors"):
        found += check_store(study, path, advance)
    return found


def check_store(study: Study | None, folder: Path, advance: Callable[[int], None]) -> list[Finding]:
    """Check one vector store."""
    part = f"vectors {folder.name}"
    remedy = (
        f"delete {folder} and run `discover embed`"
        if not folder.name.startswith("given-")
        else f"delete {folder} and ingest the vectors again"
    )
    by_itself = partial(check_unsealed, study, part, folder, remedy)
    sums, found = check_folder(part, folder, MARK, remedy, advance, by_itself=by_itself)
    if sums is not None and not found:
        found = misnamed(part, folder, remedy)
    bad = {finding.part.removeprefix(f"{part}: ") for finding in found}
    passport_whole = MARK not in bad or any(finding.mend for finding in found if finding.part == f"{part}: {MARK}")
    found = [_repairable(study, folder, part, finding, bad) if passport_whole else finding for finding in found]
    if found:
        return found
    if sums is None:
        how = f"index and {SAMPLE} rows of the graph against the vectors; {NO_SUMS}"
        return [fine(part, folder, how, partial(rewrite_sums, folder, MARK))]
    return [fine(part, folder, "by their hashes")]


def _repairable(study: Study | None, folder: Path, part: str, finding: Finding, bad: set[str]) -> Finding:
    """Say how a file is made again, where what it is made from is whole."""
    name = finding.part.removeprefix(f"{part}: ")
    if finding.mend is not None or (name in _FROM_VECTORS and "vectors.npy" in bad):
        return finding
    if name in _FROM_VECTORS:
        mend = partial(_rebuild_index if name == "index.faiss" else _rebuild_graph, folder)
    elif name in _FROM_STUDY and study is not None:
        mend = partial(_rebuild_rows, study.folder, folder, name)
    else:
        return finding
    return Finding(finding.part, finding.state, finding.what, REPAIR, mend)


def _rebuild_index(folder: Path) -> str:
    store = VectorStore(folder)
    save_index(build_index(store.vectors, seed=int(store.passport.get("seed", 0))), folder / "index.faiss")
    return _sealed_again(folder, "index.faiss")


def _rebuild_graph(folder: Path) -> str:
    store = VectorStore(folder)
    k, rows = int(store.passport["k"]), len(store.vectors)
    limit = rows if store.passport["exact"] else 0
    asked = k if k < rows - 1 else max(k, DEFAULT_K)
    graph = neighbour_graph(store.vectors, asked, seed=int(store.passport.get("seed", 0)), exact_limit=limit)
    save_graph(graph, folder / "graph.npz")
    return _sealed_again(folder, "graph.npz")


def _rebuild_rows(study_folder: Path, folder: Path, name: str) -> str:
    """Write the rows of a store again from the study, if the study still holds what was embedded."""
    store = VectorStore(folder)
    with Study(study_folder) as study:
        glitches, inputs, left_out = wanted(study, stored_encoding(store.passport["views"]))
        names = study.ids()
    if store.passport["failed"] or asked_digest(glitches, inputs, left_out) != store.passport["asked"]:
        raise StudyError(
            f"{folder / name} is left as it is: the study has changed since; delete {folder} and run `discover embed`"
        )
    new = folder / f".{name}.tmp"
    write: dict[str, Callable[[], None]] = {
        "glitches.npy": lambda: write_array(new, glitches),
        "inputs.npy": lambda: write_array(new, inputs),
        "ids.txt": lambda: write_text(new, "".join(f"{names[row]}\n" for row in glitches.tolist())),
        "left-out.csv": lambda: write_csv(new, ("glitch", "reason"), sorted(left_out)),
    }
    write[name]()
    sums = check_sums(folder, MARK)
    if sums is not None and name in sums.kept and sums.kept[name] != file_digest(new):
        new.unlink()
        raise StudyError(
            f"{folder / name} is left as it is: it would come out otherwise than it was; delete {folder} and run `discover embed`"
        )
    new.replace(folder / name)
    return f"made {name} of {folder.name} again from the study"


def _sealed_again(folder: Path, name: str) -> str:
    """Say whether a file that was made again has its old bytes; hashes that are kept are brought up to date."""
    sums = check_sums(folder, MARK)
    if sums is None:
        return f"made {name} of {folder.name} again from the vectors"
    if name not in sums.damaged:
        return f"made {name} of {folder.name} again from the vectors: the same bytes as before"
    write_sums(folder, MARK, (folder / MARK).read_text("utf-8"), kept={**sums.kept, name: file_digest(folder / name)})
    return f"made {name} of {folder.name} again from the vectors; other bytes than before, as another version wrote it"
