"""Rows of docs/benchmarks.md from measurements: table.py KIND FILE

Each line of the file: gateway, calls in flight, round, answers per second, milliseconds p50 and p99, or three dashes. A gateway's figure is that of the number
in flight at which its median over the rounds is greatest; ours over it, the ratio of those two medians.
"""

import collections
import statistics
import sys

kind, path = sys.argv[1:]
rounds = collections.defaultdict(lambda: collections.defaultdict(list))
with open(path, encoding="utf-8") as lines:
    for line in lines:
        name, in_flight, _, *figures = line.split()
        if "-" not in figures:
            rounds[name][int(in_flight)].append([float(figure) for figure in figures])
        else:
            rounds[name][int(in_flight)].append([0.0, 0.0, 0.0])

best = {}
for name, measured in rounds.items():
    medians = {n: [statistics.median(column) for column in zip(*taken)] for n, taken in measured.items()}
    in_flight = max(medians, key=lambda n: medians[n][0])
    best[name] = (in_flight, *medians[in_flight])
ours = best["tabellion"][1]
for name, (in_flight, per_second, half, most) in best.items():
    if per_second == 0:
        print(f"| {kind} | {name} | - | no good answer | - | - |")
    else:
        print(f"| {kind} | {name} | {in_flight} | {per_second:.0f} | {half:.2f} / {most:.2f} | {ours / per_second:.2f} |")
