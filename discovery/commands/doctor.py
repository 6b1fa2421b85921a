"""``discover doctor``."""

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from discovery.commands.console import Terminal
from discovery.commands.installation import Finding, find_disk, find_machine, find_packages
from discovery.configuration import NAME, find_file
from embed.digits import counted
from embed.errors import DiscoverError
from embed.study.study import Study
from embed.study.views import count_viewed


def run(options: Namespace) -> None:
    """Say what is installed, what the machine has and what the study holds; always ends well."""
    terminal = Terminal(as_json=options.json)
    found = [
        *find_packages(),
        *find_machine(),
        find_configuration(),
        find_disk(options.study),
        *find_study(options.study),
    ]
    for item in found:
        remedy = f": {item.remedy}" if item.remedy else ""
        terminal.say(f"{item.state:<10}{item.what} {item.found}{remedy}")
    problems = sum(item.state == "problem" for item in found)
    terminal.say("all is well" if not problems else f"{problems} to mend: the lines that begin with 'problem' say how")
    terminal.result({"problems": problems, "findings": [asdict(item) for item in found]})


def find_configuration() -> Finding:
    """Say which file of options holds in this folder."""
    path = find_file()
    where = path.absolute().as_posix() if path else f"no {NAME} in this folder"
    return Finding("options", "ok", where)


def find_study(folder: Path) -> list[Finding]:
    """Say where the study is and what it holds."""
    place = folder.absolute()
    if not (place / "study.db").exists():
        return [Finding("study", "ok", f"none in {place} yet", "make one with `discover ingest PATH`")]
    try:
        with Study(folder) as study:
            held = (("glitch", "glitches"), ("view", "views"), ("label", "labels"), ("run", "runs"))
            counts = ", ".join(counted(study.count(several), one, several) for one, several in held)
            without = study.count("glitches") - count_viewed(study)
    except DiscoverError as error:
        return [Finding("study", "problem", place.as_posix(), str(error))]
    found = [Finding("study", "ok", f"{counts} in {place}")]
    if without:
        found.append(
            Finding(
                "pictures",
                "ok",
                f"{counted(without, 'glitch has', 'glitches have')} none",
                "`discover fetch` may download them",
            )
        )
    holder = (place / ".lock").read_text("utf-8", "replace")[:200] if (place / ".lock").exists() else ""
    if holder:
        found.append(
            Finding("writer", "ok", f"{holder} is writing, or was killed", "nothing: a killed one holds no lock")
        )
    return [*found, _vectors(place), _models(place)]


def _vectors(place: Path) -> Finding:
    said = []
    for path in sorted(place.glob("vectors/*/passport.json")):
        try:
            passport = json.loads(path.read_text("utf-8"))
            said.append(f"{path.parent.name}: {passport['rows']} x {passport['dimension']}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Finding(
                "vectors", "problem", f"{path} is damaged ({error})", f"delete {path.parent}, then `discover embed`"
            )
    if not said:
        return Finding(
            "vectors", "ok", "none yet", "`discover embed` makes them; other commands do it when they need it"
        )
    return Finding("vectors", "ok", "; ".join(said))


def _models(place: Path) -> Finding:
    names = sorted(path.parent.name for path in place.glob("models/*/model.json"))
    return Finding("models", "ok", ", ".join(names) or "none")
