"""Rows of docs/benchmarks.md from measurements: first_events.py FILE

Each line of the file: model, streams in flight, round, who was asked (direct, proxy, gateway), streams per second, milliseconds p50 and p99 to the first event. A
figure is the median over the rounds; what is added, a figure without that of the provider itself.
"""

import collections
import statistics
import sys

GOAL = 1.25  # of what nginx adds to p99

rounds = collections.defaultdict(lambda: collections.defaultdict(list))
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        model, in_flight, _, name, *figures = line.split()
        rounds[model, int(in_flight)][name].append([float(figure) for figure in figures])

print("| streams of | in flight | provider p50 / p99 ms | nginx | gateway | nginx adds p50 / p99 | gateway adds | over nginx's p99 | goal |")
print("|---|---|---|---|---|---|---|---|---|")
for (model, in_flight), names in rounds.items():
    half, most = {}, {}
    for name, taken in names.items():
        _, half[name], most[name] = (statistics.median(column) for column in zip(*taken))
    added = {name: (half[name] - half["direct"], most[name] - most["direct"]) for name in ("proxy", "gateway")}
    # Where nginx adds nothing that can be measured there is nothing to divide by.
    ratio = f"{added['gateway'][1] / added['proxy'][1]:.2f}" if added["proxy"][1] > 0 else "-"
    shown = " | ".join(f"{half[name]:.2f} / {most[name]:.2f}" for name in ("direct", "proxy", "gateway"))
    more = " | ".join(f"{added[name][0]:.2f} / {added[name][1]:.2f}" for name in ("proxy", "gateway"))
    print(f"| {model} | {in_flight} | {shown} | {more} | {ratio} | {GOAL} |")
