"""Fifty kills of a fetch at random instants: what is recorded survives every one of them.

    python benchmarks/kills.py [--kills 50] [--addresses 200] [--seed 0]

A fetch of 200 addresses (dead ones, broken files and copies among them) from a server on the
loopback is killed with all its processes, started again, killed again. After each kill the project
has to open; both databases must be sound; every image must have its file, whole and under its hash,
and its thumbnail; no address may be lost or stuck; status and check must work. Every fetch that
completes must have found what an undisturbed one finds, and leave no temporary file. A kill after
which any of this fails is not survived. POSIX only.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import sides

sys.path.append(str(sides.ROOT))

from tests.collect.hostile import serving
from tests.collect.kills import Soak, addresses


def main() -> int:
    """Kill, check, print what was seen, return the exit status."""
    parser = sides.Options(__doc__)
    parser.size("--kills", 50, 3, "kills")
    parser.size("--addresses", 200, 40, "addresses")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    broken: list[str] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, serving(latency=0.02) as server:
        listed = addresses(server.url(""), options.addresses)
        soak = Soak(Path(folder), listed, random.Random(options.seed))
        soak.undisturbed()
        print(
            f"undisturbed: {len(soak.expected.images)} addresses with an image, "
            f"{len(soak.expected.failed)} failed, {soak.seconds:.1f} s",
            flush=True,
        )
        while soak.kills < options.kills:
            before = soak.kills
            try:
                soak.kill()
            except AssertionError as error:
                broken.append(f"kill {soak.kills}: {error}")
                print(broken[-1], flush=True)
                if soak.kills == before:  # not killed, and yet wrong: it counts against us too
                    soak.kills += 1
        try:
            soak.finish()
        except AssertionError as error:
            broken.append(f"the end: {error}")
            print(broken[-1], flush=True)
    survived = max(0, soak.kills - len(broken))
    print(
        f"{soak.kills} kills in {soak.projects - 1} projects, "
        f"{soak.left_behind} temporary files seen after kills, "
        f"{time.monotonic() - began:.0f} s"
    )
    return 0 if sides.verdict(survived / soak.kills, 1.0, "kills survived / kills") else 1


if __name__ == "__main__":
    sys.exit(main())
