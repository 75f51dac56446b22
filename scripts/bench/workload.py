"""How much each scenario sends. Figures of different workloads do not compare."""

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Workload:
    name: str
    # One large file, up and down.
    big: int
    # Many at once.
    files: int
    file: int
    # Small ones, over a few connections.
    small: int
    small_file: int
    # One that is cut, each time after so much.
    resumed: int
    cut: int
    # How long requests are sent where their number is not given.
    seconds: float
    # Uploads in the catalog that is listed, and requests of each kind of page.
    records: int
    pages: int


FULL = Workload("full", big=GIB, files=200, file=4 * MIB, small=2000, small_file=4 * KIB, resumed=512 * MIB, cut=32 * MIB,
                seconds=4, records=1_000_000, pages=300)
QUICK = Workload("quick", big=128 * MIB, files=50, file=2 * MIB, small=300, small_file=4 * KIB, resumed=64 * MIB, cut=8 * MIB,
                 seconds=1, records=20_000, pages=30)
