"""When did it begin? A simulated first observing run in which one class starts at a known time, and the onset that is recovered.

Classes come as often as in each week of O1. Fast_Scattering, which that run did not have, begins at `--at`; before it there is none. The
onset is found from the labels and times alone, with a 90 % interval, and so are the changes of the run's own classes.

    python examples/onset.py
"""

import pandas as pd
from story import run, story_parser

from discovery.pages.gpstime import utc

CLASS = "Fast_Scattering"


def main() -> None:
    """Simulate, ask for onsets, and compare with the time at which the class began."""
    parser = story_parser(__doc__, out="onset")
    parser.add_argument("--n", type=int, default=1000, help="glitches of all classes (default: 1000)")
    parser.add_argument(
        "--at", type=float, default=1131500000.0, metavar="GPS", help="when it begins (default: 1131500000)"
    )
    options = parser.parse_args()
    data, study = options.out / "glitches", options.out / "study"
    if not data.exists():
        chosen = ("--rates", "o1", "--classes", "O1", CLASS, "--onset", f"{CLASS}={options.at:.0f}")
        run("simulate", "--n", options.n, *chosen, "--seed", options.seed, "--out", data)
    run("ingest", data, "--study", study)
    run("ingest", data / "metadata.csv", "--study", study)
    run("onset", "--study", study)

    report = study / "reports" / "onset"
    table = pd.read_csv(report / "onset.csv")
    own = table[(table["label"] == CLASS) & (table["kind"] == "rise")]
    print(f"\n{CLASS} began on {utc(options.at)}")
    for change in own.itertuples():
        inside = change.low <= utc(options.at) <= change.high
        print(
            f"found: {change.change}, 90 % interval {change.low} to {change.high}: it {'holds' if inside else 'misses'} the true time"
        )
    if own.empty:
        print("no onset was found: there are too few glitches")
    print(f"table: {report / 'onset.csv'}\nfigure: {report / 'onset.png'}")


if __name__ == "__main__":
    main()
