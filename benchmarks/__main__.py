"""Run the benchmarks that are named, or all."""

import signal
import sys

import uvloop

from benchmarks.bodies import bodies
from benchmarks.cluster import cluster_ingest
from benchmarks.cluster_searches import cluster_searches
from benchmarks.cluster_shards import cluster_shards
from benchmarks.collecting import collector, ingest, latency, memory
from benchmarks.figures import show
from benchmarks.searches import searches

ALL = {
    "ingest": ingest,
    "collector": collector,
    "searches": searches,
    "latency": latency,
    "memory": memory,
    "bodies": bodies,
    "cluster-ingest": cluster_ingest,
    "cluster-searches": cluster_searches,
    "cluster-shards": cluster_shards,
}


def main() -> int:
    """Measure and show; exit status 2 for a name that does not exist."""
    names = sys.argv[1:] or list(ALL)
    if unknown := [name for name in names if name not in ALL]:
        sys.stderr.write(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(ALL)}\n")
        return 2
    # What it started is ended on SIGTERM as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    for name in names:
        show(name, uvloop.run(ALL[name]()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
