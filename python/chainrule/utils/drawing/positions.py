"""Where boxes stand within their bands: edges straight, chains on one line, nothing too close."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["GAP_U", "Bands", "positions"]

GAP_U = 28.0
_PUSHES = 12
_ROUNDS = 80
_SWEEPS = 24


@dataclass
class Bands:
    """Boxes and the places where long edges pass, by band."""

    members: list[list[int]]
    widths: list[float]
    links: list[tuple[int, int, float, float, float]] = field(default_factory=list)
    chains: list[list[int]] = field(default_factory=list)


def positions(bands: Bands, boxes: int) -> list[float]:
    """The middle of everything in the bands along `u`.

    Parameters
    ----------
    bands : Bands
        In their final order.
    boxes : int
        How many of the members are boxes; the rest are places where long edges pass.
    """
    u = _by_band(bands)
    _straighten(bands, u, boxes)
    return u


def _by_band(bands: Bands) -> list[float]:
    """The `u` of every box: ``sum weight (u_a - u_b)^2`` small.

    Band by band; in each, the order and the distances are kept (isotonic regression).
    """
    widths, links = bands.widths, bands.links
    u = [0.0] * len(widths)
    neighbours: list[list[int]] = [[] for _ in widths]
    for n, (a, b, *_) in enumerate(links):
        neighbours[a].append(n)
        neighbours[b].append(n)
    spaces = []
    for band in bands.members:
        space = [0.0]
        for i, j in zip(band, band[1:]):
            space.append(space[-1] + (widths[i] + widths[j]) / 2 + GAP_U)
        spaces.append(space)
        for i, at in zip(band, space):
            u[i] = at - space[-1] / 2
    for turn in range(_SWEEPS):
        order = range(len(bands.members))
        for r in order if turn % 2 else reversed(order):
            band = bands.members[r]
            wanted, weights = [], []
            for i in band:
                total, mean = 1e-9, 1e-9 * u[i]
                for n in neighbours[i]:
                    a, b, offset_a, offset_b, weight = links[n]
                    goal = u[b] + offset_b - offset_a if a == i else u[a] + offset_a - offset_b
                    total += weight
                    mean += weight * goal
                wanted.append(mean / total)
                weights.append(total)
            for i, at in zip(band, _kept_apart(wanted, weights, spaces[r])):
                u[i] = at
    return u


def _kept_apart(wanted: list[float], weights: list[float], space: list[float]) -> list[float]:
    """The positions nearest to those wanted, at least as far apart as `space` says."""
    blocks: list[list[float]] = []  # mean, weight, number of members
    for goal, weight, at in zip(wanted, weights, space):
        blocks.append([goal - at, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, weight, members = blocks.pop()
            other = blocks[-1]
            other[0] = (other[0] * other[1] + mean * weight) / (other[1] + weight)
            other[1] += weight
            other[2] += members
    means = [mean for mean, _, members in blocks for _ in range(int(members))]
    return [mean + at for mean, at in zip(means, space)]


def _straighten(bands: Bands, u: list[float], boxes: int) -> None:
    """Put each chain on one line, and the chains where their links pull them.

    In turns, every chain goes to the weighted mean of what it is linked to, and chains that come
    too close push each other apart; then all are kept apart exactly while they move on.
    Where chains cross, so that no order from left to right exists, nothing changes.
    """
    chains = _chains(bands, boxes)
    home = {i: (n, shift) for n, chain in enumerate(chains) for i, shift in chain}
    apart: dict[tuple[int, int], float] = {}
    for band in bands.members:
        for i, j in zip(band, band[1:]):
            (a, shift_a), (b, shift_b) = home[i], home[j]
            space = (bands.widths[i] + bands.widths[j]) / 2 + GAP_U + shift_a - shift_b
            apart[a, b] = max(apart.get((a, b), space), space)
    order = _from_left(len(chains), list(apart))
    if order is None:
        return
    pulls: list[list[tuple[int, float, float]]] = [[] for _ in chains]
    for i, j, offset_i, offset_j, weight in bands.links:
        (a, shift_a), (b, shift_b) = home[i], home[j]
        if a != b:
            distance = shift_b + offset_j - shift_a - offset_i
            pulls[a].append((b, distance, weight))
            pulls[b].append((a, -distance, weight))
    x = [sum(u[i] - shift for i, shift in chain) / len(chain) for chain in chains]

    def pulled(n: int) -> float:
        total = sum(weight for *_, weight in pulls[n])
        mean = sum(weight * (x[other] + distance) for other, distance, weight in pulls[n])
        return mean / total if total else x[n]

    for turn in range(_ROUNDS):
        for n in order if turn % 2 else reversed(order):
            x[n] = pulled(n)
        for _ in range(_PUSHES):
            for (a, b), space in apart.items():
                lack = x[a] + space - x[b]
                if lack > 0:
                    share = len(chains[b]) / (len(chains[a]) + len(chains[b]))
                    x[a] -= lack * share
                    x[b] += lack * (1 - share)
    left: list[list[tuple[int, float]]] = [[] for _ in chains]
    right: list[list[tuple[int, float]]] = [[] for _ in chains]
    for (a, b), space in apart.items():
        left[b].append((a, space))
        right[a].append((b, space))
    for n in order:
        x[n] = max([x[n], *(x[a] + space for a, space in left[n])])
    for turn in range(_ROUNDS):
        for n in order if turn % 2 else reversed(order):
            low = max((x[a] + space for a, space in left[n]), default=-1e9)
            high = min((x[b] - space for b, space in right[n]), default=1e9)
            x[n] = max(low, min(high, pulled(n)))
    for i, (n, shift) in home.items():
        u[i] = x[n] + shift


def _from_left(count: int, pairs: list[tuple[int, int]]) -> list[int] | None:
    """Numbers so that the first of each pair comes before the second; None in a circle."""
    waits = [0] * count
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b in pairs:
        waits[b] += 1
        after[a].append(b)
    order = [n for n in range(count) if waits[n] == 0]
    for n in order:
        for other in after[n]:
            waits[other] -= 1
            if waits[other] == 0:
                order.append(other)
    return order if len(order) == count else None


def _chains(bands: Bands, boxes: int) -> list[list[tuple[int, float]]]:
    """Boxes that should stand on one line, each with its distance from the first.

    A link belongs to a chain when, at both of its ends, it lies on the one longest path; the
    passing places of a long edge are a chain of their own.
    """
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for n, (a, b, *_) in enumerate(bands.links):
        below.setdefault(a, []).append(n)
        above.setdefault(b, []).append(n)
    order = [i for band in bands.members for i in band]
    before = {i: int(i < boxes) for i in order}  # boxes on the longest path that ends here
    behind = dict(before)
    for i in order:
        paths = [before[bands.links[n][0]] for n in above.get(i, ())]
        before[i] += max(paths, default=0)
    for i in reversed(order):
        paths = [behind[bands.links[n][1]] for n in below.get(i, ())]
        behind[i] += max(paths, default=0)

    def alone(links: list[int], end: int, lengths: dict[int, int]) -> int | None:
        ends = [bands.links[n][:2] for n in links]
        found = sorted((-lengths[pair[end]], n) for n, pair in zip(links, ends))
        tied = len(found) > 1 and found[0][0] == found[1][0]
        return None if tied or not found else found[0][1]

    chains: dict[int, list[tuple[int, float]]] = {}
    for i in order:
        inward = alone(above.get(i, []), 0, before)
        if inward is not None:
            source, _, offset_a, offset_b, _ = bands.links[inward]
            same = (source < boxes) == (i < boxes)
            if same and alone(below[source], 1, behind) == inward:
                chain = chains[source]
                chain.append((i, chain[-1][1] + offset_a - offset_b))
                chains[i] = chain
                continue
        chains[i] = [(i, 0.0)]
    return list({id(chain): chain for chain in chains.values()}.values())
