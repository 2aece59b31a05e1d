"""A layered layout of a directed graph without circles: boxes in bands, edges from band to band.

Coordinates are `u` along a band and `v` from band to band. The steps are those of K. Sugiyama,
S. Tagawa and M. Toda, "Methods for visual understanding of hierarchical system structures", IEEE
Transactions on Systems, Man, and Cybernetics 11 (1981): bands, order within bands, positions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from graphlib import TopologicalSorter
from itertools import chain, pairwise

__all__ = ["Edge", "Point", "layered"]

Point = tuple[float, float]
# From one box to another, and how far from their middles it leaves and enters along `u`.
Edge = tuple[int, int, float, float]
# The members of each band, and the links of each to the next: from which member to which, and how
# much further along `u` it should stand.
Bands = list[list[int]]
Links = list[list[tuple[int, int, float]]]

_GAP_U, _GAP_V, _WIRE = 28.0, 38.0, 6.0  # an edge that passes a band keeps _WIRE free
_SWEEPS, _ROUNDS, _PUSHES = 5, 300, 3


def layered(
    sizes: Sequence[Point], edges: Sequence[Edge], ports: Collection[int] = ()
) -> tuple[list[Point], list[list[Point]], Point]:
    """The middles of boxes, the routes of edges and the size of a drawing, along `u` and `v`.

    Every edge points to a later band: along `v`, or across the free space between two bands, so
    that it passes through no box. Those boxes that are `ports` stand in the first or, where edges
    end, in the last band. A circle of edges is a ValueError.
    """
    if not sizes:
        return [], [], (0.0, 0.0)
    ranks = _ranks(len(sizes), edges, ports)
    bands: Bands = [[] for _ in range(max(ranks) + 1)]
    links: Links = [[] for _ in bands]
    for i, rank in enumerate(ranks):
        bands[rank].append(i)
    # Where a long edge passes a band, it is a member of it, numbered behind the boxes.
    widths = [width for width, _ in sizes]
    paths = []
    for source, target, leaves, enters in edges:
        passed = range(len(widths), len(widths) + ranks[target] - ranks[source] - 1)
        widths += [_WIRE] * len(passed)
        paths.append([(source, leaves), *((i, 0.0) for i in passed), (target, enters)])
        for rank, ((a, leaving), (b, entering)) in enumerate(pairwise(paths[-1]), ranks[source]):
            links[rank].append((a, b, leaving - entering))
            if b in passed:
                bands[rank + 1].append(b)
    _order(bands, links)
    u = _positions(bands, links, widths, len(sizes))
    left = min(at - width / 2 for at, width in zip(u, widths))
    u = [round(at - left, 2) for at in u]
    heights = [max((sizes[i][1] for i in band if i < len(sizes)), default=0.0) for band in bands]
    tops = [sum(heights[:r]) + _GAP_V * r for r in range(len(bands))]
    middles = [(u[i], tops[rank] + heights[rank] / 2) for i, rank in enumerate(ranks)]
    routes = []
    for (source, target, *_), path in zip(edges, paths):
        along = [u[i] + offset for i, offset in path]
        route = [(along[0], middles[source][1] + sizes[source][1] / 2)]
        for rank, (start, end) in enumerate(pairwise(along), ranks[source]):
            route += [(start, tops[rank] + heights[rank]), (end, tops[rank + 1])]
        route.append((along[-1], middles[target][1] - sizes[target][1] / 2))
        routes.append(list(dict.fromkeys(route)))
    right = max(at + width / 2 for at, width in zip(u, widths))
    return middles, routes, (right, tops[-1] + heights[-1])


def _ranks(count: int, edges: Sequence[Edge], ports: Collection[int]) -> list[int]:
    """The band of each box: as early as its inputs allow, then as late as shortens the edges."""
    before: dict[int, list[int]] = {i: [] for i in range(count)}
    after: dict[int, list[int]] = {i: [] for i in range(count)}
    for source, target, *_ in edges:
        before[target].append(source)
        after[source].append(target)
    order = list(TopologicalSorter(before).static_order())
    ranks = [0] * count
    for i in order:
        ranks[i] = max((ranks[j] + 1 for j in before[i]), default=0 if i in ports else 1)
    last = 1 + max((ranks[i] for i in order if i not in ports), default=0)
    for i in reversed(order):
        if i in ports:
            ranks[i] = last if before[i] else 0
        elif after[i] and len(before[i]) <= len(after[i]):
            ranks[i] = min(ranks[j] for j in after[i]) - 1
    return [rank - min(ranks) for rank in ranks]


def _order(bands: Bands, links: Links) -> None:
    """Sort each band by the mean place of neighbours above, or below, so that few edges cross."""
    place = {i: n for band in bands for n, i in enumerate(band)}
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for band, gap in zip(bands[1:], links) if down else zip(bands[-2::-1], links[-2::-1]):
            near = defaultdict(list)
            for a, b, _ in gap:
                near[b if down else a].append(place[a if down else b])
            means = {i: sum(near[i]) / len(near[i]) if near[i] else place[i] for i in band}
            band.sort(key=means.__getitem__)
            place.update((i, n) for n, i in enumerate(band))


def _lines(bands: Bands, links: Links, boxes: int) -> dict[int, tuple[int, float]]:
    """Members that stand on one line: of each, the first on its line and the distance from it.

    A link between two boxes is on a line where, at both of its ends, it lies on the one longest
    path; so is each link between two places where an edge passes. Links on lines do not cross.
    """
    place = {i: n for band in bands for n, i in enumerate(band)}
    before = {i: int(i < boxes) for i in place}  # boxes on the longest path that ends here
    behind = dict(before)  # and on that which begins here
    for gap in links:
        for a, b, _ in gap:
            before[b] = max(before[b], before[a] + (b < boxes))
    for gap in reversed(links):
        for a, b, _ in gap:
            behind[a] = max(behind[a], behind[b] + (a < boxes))
    lines = {i: (i, 0.0) for i in place}
    for gap in links:
        kept: list[tuple[int, int]] = []
        for a, b, shift in sorted(gap, reverse=True):  # places come before boxes
            rivals = [before[c] + behind[d] for c, d, _ in gap if (c == a) != (d == b)]
            longest = before[a] + behind[b] > max(rivals, default=0)
            free = all((place[a] - place[c]) * (place[b] - place[d]) > 0 for c, d in kept)
            if longest and free and (a < boxes) == (b < boxes):
                kept.append((a, b))
                lines[b] = (lines[a][0], lines[a][1] + shift)
    return lines


def _positions(bands: Bands, links: Links, widths: list[float], boxes: int) -> list[float]:
    """The middle of every member along `u`: lines straight, linked lines near, none too close.

    In turns, links pull lines together, ever more weakly, and lines that are too close push each
    other apart. Then all stand in the middle of where they are when those that are still too close
    move only right, and only left, so that none is too close.
    """
    lines = _lines(bands, links, boxes)
    pulls = []
    for i, j, shift in chain.from_iterable(links):
        (a, from_a), (b, from_b) = lines[i], lines[j]
        if a != b:
            pulls.append((a, b, from_a + shift - from_b, 0.5 if i < boxes and j < boxes else 0.1))
    spaces: dict[int, dict[int, float]] = {n: {} for n, _ in lines.values()}
    for i, j in chain.from_iterable(map(pairwise, bands)):
        (a, from_a), (b, from_b) = lines[i], lines[j]
        space = (widths[i] + widths[j]) / 2 + _GAP_U + from_a - from_b
        spaces[b][a] = max(spaces[b].get(a, space), space)
    order = list(TopologicalSorter(spaces).static_order())
    apart = [(a, b, space) for b in order for a, space in spaces[b].items()]
    x = dict.fromkeys(order, 0.0)
    for turn in range(_ROUNDS):
        for a, b, distance, strength in pulls:
            move = (x[a] + distance - x[b]) * strength * (1 - turn / _ROUNDS) ** 3
            x[a], x[b] = x[a] - move, x[b] + move
        for a, b, space in apart * _PUSHES:
            move = max(0.0, x[a] + space - x[b]) / 2
            x[a], x[b] = x[a] - move, x[b] + move
        right, left = dict(x), dict(x)
        for a, b, space in apart:
            right[b] = max(right[b], right[a] + space)
        for a, b, space in reversed(apart):
            left[a] = min(left[a], left[b] - space)
        x = {n: (left[n] + right[n]) / 2 for n in order}
    return [x[lines[i][0]] + lines[i][1] for i in range(len(widths))]
