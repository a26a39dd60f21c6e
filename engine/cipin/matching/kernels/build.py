"""Placing a trie in a double array."""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel


@kernel
def place_nodes(order, child_start, child_class, n_classes, base, label):
    """Find for each node a base, so that child `c` of a node sits at `base + c` and no two nodes meet.

    order        int32[n]           nodes that have children, in the order of placing (most children first)
    child_start  int64[n_nodes + 1] children of node v are child_class[child_start[v]:child_start[v + 1]]
    child_class  uint16[n_edges]    ascending within a node; 1 <= class <= n_classes
    base         uint32[n_nodes]    filled in; 0 for nodes without children
    label        uint16[n_slots]    filled in; 0xFFFF where nothing sits

    Bases are unique, so that `label[base + c] == c` alone proves whose child a slot is. Slots 0..n_classes stay
    empty: base 0, of a node without children, finds nothing. Returns the number of slots used, or -1 where
    `label` is too short; the caller then allocates more.
    """
    n_slots = label.size
    taken = np.zeros(n_slots, np.uint8)
    first = np.full(64, n_classes + 1, np.int64)
    used = n_classes + 1
    for slot in range(min(n_classes + 1, n_slots)):
        label[slot] = 0xFFFF
    for each in range(order.size):
        node = order[each]
        begin = child_start[node]
        end = child_start[node + 1]
        lowest = np.int64(child_class[begin])
        span = np.int64(child_class[end - 1]) - lowest
        size = min(end - begin, 63)
        slot = first[size]
        tries = 0
        while True:
            if slot + span >= n_slots:
                return -1
            candidate = slot - lowest
            fits = label[slot] == 0xFFFF and candidate > n_classes and taken[candidate] == 0
            if fits:
                for edge in range(begin + 1, end):
                    if label[candidate + child_class[edge]] != 0xFFFF:
                        fits = False
                        break
            if fits:
                break
            slot += 1
            tries += 1
        # Where many slots were tried in vain, the next node of this size begins behind them: keeps 350k terms
        # under a second at the price of a few holes.
        if tries > 40 or size == 1:
            first[size] = slot
        taken[candidate] = 1
        base[node] = candidate
        for edge in range(begin, end):
            label[candidate + child_class[edge]] = child_class[edge]
        used = max(used, candidate + child_class[end - 1] + 1)
    return used
