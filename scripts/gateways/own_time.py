"""Rows of docs/benchmarks.md from the gateway's histograms: own_time.py DIRECTORY GUARDS…

DIRECTORY has, for each GUARDS, length of the body and round, GUARDS-BYTES-ROUND.before and .after, pages of numbers, and .load, what `traffic load` printed
between them. Rounds are added up. A percentile is the upper bound of the step that it falls in, a mean is exact.
"""

import collections
import re
import statistics
import sys
from pathlib import Path

LINE = re.compile(r'tabellion_gateway_(own|guards)_seconds_(bucket\{le="([^"]+)"\}|sum|count) ([0-9.]+)')


def page(path):
    """Each histogram of the page: its numbers by bound, or by `sum` and `count`."""
    found = collections.defaultdict(dict)
    for name, what, bound, value in LINE.findall(path.read_text()):
        found[name][bound or what] = float(value)
    return found


def taken(directory, guards, length):
    """The two histograms of all rounds."""
    sums = collections.defaultdict(collections.Counter)
    for after in directory.glob(f"{guards}-{length}-*.after"):
        before = page(after.with_suffix(".before"))
        for name, numbers in page(after).items():
            for what, value in numbers.items():
                sums[name][what] += value - before[name][what]
    return sums


def percentile(numbers, share):
    """Microseconds: the bound at or below which this share is."""
    bounds = sorted((float(bound), bound) for bound in numbers if bound not in ("sum", "count", "+Inf"))
    wanted = share * numbers["count"]
    found = next((value for value, bound in bounds if numbers[bound] >= wanted), None)
    return "more" if found is None else f"≤ {found * 1e6:.0f}"


def share(numbers, seconds):
    bound = next(bound for bound in numbers if bound not in ("sum", "count", "+Inf") and float(bound) == seconds)
    return f"{100 * numbers[bound] / numbers['count']:.1f} %"


def columns(numbers):
    if not numbers["count"]:
        return "-"
    mean = numbers["sum"] / numbers["count"] * 1e6
    return f"{mean:.0f}, {percentile(numbers, 0.5)}, {percentile(numbers, 0.99)}"


def main(directory, kinds):
    lengths = sorted({int(path.name.rsplit("-", 2)[1]) for path in directory.glob("*.after")})
    print("| guards | body bytes | calls | own µs: mean, p50, p99 | up to 100 µs | up to 1 ms | waits for guards of others µs: mean, p50, p99 | answer p50 / p99 ms |")
    print("|---|---|---|---|---|---|---|---|")
    for length in lengths:
        for guards in kinds:
            sums = taken(directory, guards, length)
            own = sums["own"]
            loads = [path.read_text().split() for path in directory.glob(f"{guards}-{length}-*.load")]
            half, most = (statistics.median(float(load[column]) for load in loads) for column in (1, 2))
            shares = f"{share(own, 0.0001)} | {share(own, 0.001)}"
            print(f"| {guards} | {length} | {own['count']:.0f} | {columns(own)} | {shares} | {columns(sums['guards'])} | {half:.2f} / {most:.2f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
