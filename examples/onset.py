"""When did it begin? A simulated first observing run in which one class starts at a known time, and the onset that is recovered.

Classes come as often as in each week of O1. Fast_Scattering, which that run did not have, begins at ``--at``; before it there is none. The onset is found from
labels and times alone, with a 90 % interval, and so are the changes of the run's own classes. The simulated detectors never pause: the whole
run is their live time.

With 1,500 glitches each of the seeds 0 to 7 gives one rise of Fast_Scattering, within five days of the true time.

    python examples/onset.py
"""

import pandas as pd
from story import run, story_parser

from discovery.pages.gpstime import utc
from embed.simulator.rates import O1_SPAN


def main() -> None:
    """Simulate, ask for onsets, and compare with the time at which the class began."""
    parser = story_parser(__doc__, out="onset")
    parser.add_argument("--n", type=int, default=1500, help="glitches of all classes (default: 1500)")
    parser.add_argument(
        "--name", default="Fast_Scattering", metavar="CLASS", help="what begins (default: Fast_Scattering)"
    )
    parser.add_argument(
        "--at", type=float, default=1131500000.0, metavar="GPS", help="when it begins (default: 1131500000)"
    )
    options = parser.parse_args()
    data, study = options.out / "glitches", options.out / "study"
    if not data.exists():
        chosen = ("--rates", "o1", "--classes", "O1", options.name, "--onset", f"{options.name}={options.at:.0f}")
        run("simulate", "--n", options.n, *chosen, "--seed", options.seed, "--out", data)
    run("ingest", data, "--study", study)
    run("ingest", data / "metadata.csv", "--study", study)
    segments = options.out / "segments.txt"
    segments.write_text(f"{O1_SPAN[0]:.0f} {O1_SPAN[1]:.0f}\n")
    run("onset", "--segments", segments, "--study", study)

    report = study / "reports" / "onset"
    table = pd.read_csv(report / "onset.csv")
    rises = table[(table["label"] == options.name) & (table["kind"] == "rise")]
    began = utc(options.at)
    print(f"\n{options.name} began on {began}")
    for rise in rises.itertuples():
        holds = "holds" if rise.low <= began <= rise.high else "misses"
        print(f"found: {rise.change}, 90 % interval {rise.low} to {rise.high}: it {holds} the true time")
    if rises.empty:
        print("no onset was found: there are too few glitches")
    print(f"table: {report / 'onset.csv'}\nfigure: {report / 'onset.png'}")


if __name__ == "__main__":
    main()
