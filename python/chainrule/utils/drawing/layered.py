"""A layered layout of a directed graph without circles: boxes in bands, edges from band to band.

Coordinates are `u` along a band and `v` from band to band, so that one layout serves both
top-to-bottom and left-to-right pictures. The steps are those of K. Sugiyama, S. Tagawa and
M. Toda, "Methods for visual understanding of hierarchical system structures", IEEE Transactions
on Systems, Man, and Cybernetics 11 (1981): bands, order within bands, positions.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from chainrule.utils.drawing.positions import Bands, positions

__all__ = ["Edge", "Layout", "layered"]

Point = tuple[float, float]

GAP_V = 38.0
_WIRE = 6.0  # the width kept free for an edge that passes a band
_SWEEPS = 12


@dataclass(frozen=True)
class Edge:
    """From box `source` to box `target`, at distances along `u` from their middles."""

    source: int
    target: int
    source_offset: float = 0.0
    target_offset: float = 0.0


@dataclass
class Layout:
    """The middle of each box, the corner points of each edge, and the size of the whole."""

    middles: list[Point]
    routes: list[list[Point]]
    size: Point


def layered(
    sizes: Sequence[Point],
    edges: Sequence[Edge],
    first: Sequence[int] = (),
    last: Sequence[int] = (),
) -> Layout:
    """Place boxes so that every edge points to a later band and none passes through a box.

    Parameters
    ----------
    sizes : sequence of (float, float)
        Extent of each box along `u` and `v`.
    edges : sequence of Edge
        Without circles.
    first, last : sequence of int
        Boxes that stand in the first and in the last band.

    Returns
    -------
    Layout
        Between two points of a route, an edge either runs along `v` or crosses the free space
        between two bands.

    Examples
    --------
    >>> layout = layered([(40.0, 20.0)] * 3, [Edge(0, 2), Edge(1, 2)])
    >>> (a, b, c) = layout.middles
    >>> a[1] == b[1] < c[1] and c[0] == (a[0] + b[0]) / 2
    True
    """
    if not sizes:
        return Layout([], [], (0.0, 0.0))
    ranks = _ranks(len(sizes), edges, first, last)
    bands = _bands(sizes, edges, ranks)
    _order(bands)
    u = positions(bands, len(sizes))
    heights = [
        max((sizes[i][1] for i in band if i < len(sizes)), default=0.0) for band in bands.members
    ]
    tops = [sum(heights[:r]) + GAP_V * r for r in range(len(heights))]
    left = min(u[i] - sizes[i][0] / 2 for i in range(len(sizes)))
    left = min([left, *(u[i] - _WIRE for i in range(len(sizes), len(u)))])
    u = [round(x - left, 2) for x in u]
    middles = [(u[i], tops[ranks[i]] + heights[ranks[i]] / 2) for i in range(len(sizes))]
    routes = []
    for edge, chain in zip(edges, bands.chains):
        start, end = middles[edge.source], middles[edge.target]
        a, b = start[0] + edge.source_offset, end[0] + edge.target_offset
        rank = ranks[edge.source]
        route = [(a, start[1] + sizes[edge.source][1] / 2), (a, tops[rank] + heights[rank])]
        for passing in chain[1:-1]:
            rank += 1
            route += [(u[passing], tops[rank]), (u[passing], tops[rank] + heights[rank])]
        route += [(b, tops[rank + 1]), (b, end[1] - sizes[edge.target][1] / 2)]
        routes.append([p for i, p in enumerate(route) if i == 0 or p != route[i - 1]])
    right = max(u[i] + sizes[i][0] / 2 for i in range(len(sizes)))
    right = max([right, *(u[i] + _WIRE for i in range(len(sizes), len(u)))])
    return Layout(middles, routes, (right, tops[-1] + heights[-1]))


def _ranks(
    count: int, edges: Sequence[Edge], first: Sequence[int], last: Sequence[int]
) -> list[int]:
    """The band of each box: as early as its inputs allow, then as late as shortens the edges."""
    after: list[list[int]] = [[] for _ in range(count)]
    inputs = [0] * count
    for edge in edges:
        after[edge.source].append(edge.target)
        inputs[edge.target] += 1
    ranks = [1 if first and i not in first else 0 for i in range(count)]
    waits = list(inputs)
    order = [i for i in range(count) if waits[i] == 0]
    for i in order:
        for j in after[i]:
            ranks[j] = max(ranks[j], ranks[i] + 1)
            waits[j] -= 1
            if waits[j] == 0:
                order.append(j)
    if len(order) < count:
        raise ValueError(f"layered: expected edges without circles, got {list(edges)}")
    if last:
        end = max(max(ranks), 1 + max((ranks[i] for i in order if i not in last), default=-1))
        for i in last:
            ranks[i] = end
    for i in reversed(order):
        if after[i] and i not in first and inputs[i] <= len(after[i]):
            ranks[i] = min(ranks[j] for j in after[i]) - 1
    low = min(ranks)
    return [rank - low for rank in ranks]


def _bands(sizes: Sequence[Point], edges: Sequence[Edge], ranks: list[int]) -> Bands:
    """Boxes and passing places by band, linked from band to band."""
    bands = Bands([[] for _ in range(max(ranks) + 1)], [size[0] for size in sizes])
    for i, rank in enumerate(ranks):
        bands.members[rank].append(i)
    for edge in edges:
        chain = [edge.source]
        for rank in range(ranks[edge.source] + 1, ranks[edge.target]):
            chain.append(len(bands.widths))
            bands.members[rank].append(len(bands.widths))
            bands.widths.append(_WIRE)
        chain.append(edge.target)
        bands.chains.append(chain)
        long = len(chain) > 2
        for n, (a, b) in enumerate(zip(chain, chain[1:])):
            ends = n == 0 or n == len(chain) - 2
            weight = 1.0 if not long else 0.2 if ends else 4.0
            offset_a = edge.source_offset if n == 0 else 0.0
            offset_b = edge.target_offset if n == len(chain) - 2 else 0.0
            bands.links.append((a, b, offset_a, offset_b, weight))
    return bands


def _order(bands: Bands) -> None:
    """Sort each band by the middle of its neighbours until the fewest edges cross."""
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for a, b, *_ in bands.links:
        below.setdefault(a, []).append(b)
        above.setdefault(b, []).append(a)

    def crossings(r: int) -> int:
        """Between the bands r and r + 1: pairs of edges whose ends are in opposite orders."""
        if not 0 <= r < len(bands.members) - 1:
            return 0
        place = {i: n for n, i in enumerate(bands.members[r + 1])}
        seen: list[int] = []
        total = 0
        for i in bands.members[r]:
            ends = [place[j] for j in below.get(i, ())]
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
        return total

    def all_crossings() -> int:
        return sum(map(crossings, range(len(bands.members))))

    def sort(band: list[int], other: list[int], neighbours: dict[int, list[int]]) -> None:
        place = {i: n for n, i in enumerate(other)}

        def middle(i: int, n: int) -> float:
            near = [place[j] for j in neighbours.get(i, ()) if j in place]
            return sum(near) / len(near) if near else float(n)

        keys = {i: middle(i, n) for n, i in enumerate(band)}
        band.sort(key=keys.__getitem__)

    best, fewest = [list(band) for band in bands.members], all_crossings()
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        count = len(bands.members)
        if sweep % 2 == 0:
            for r in range(1, count):
                sort(bands.members[r], bands.members[r - 1], above)
        else:
            for r in range(count - 2, -1, -1):
                sort(bands.members[r], bands.members[r + 1], below)
        found = all_crossings()
        if found < fewest:
            best, fewest = [list(band) for band in bands.members], found
    bands.members[:] = best
    for r, band in enumerate(bands.members):
        _swap_neighbours(band, partial(_both_sides, crossings, r))


def _both_sides(crossings: Callable[[int], int], r: int) -> int:
    return crossings(r - 1) + crossings(r)


def _swap_neighbours(band: list[int], crossings: Callable[[], int]) -> None:
    """Exchange neighbours of a band where that takes crossings away."""
    fewest = crossings() if len(band) > 1 else 0
    for n in range(len(band) - 1):
        if fewest == 0:
            return
        band[n], band[n + 1] = band[n + 1], band[n]
        found = crossings()
        if found < fewest:
            fewest = found
        else:
            band[n], band[n + 1] = band[n + 1], band[n]
