"""Minimum cuts, against SciPy's maximum flows."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from wengert.transforms.flow import Network


def scipys(n, tails, heads, capacities):
    """The vertices that edges with capacity left lead to from vertex 0, when the flow to vertex n - 1 is largest."""
    network = coo_array((np.array(capacities, np.int32), (tails, heads)), shape=(n, n)).tocsr()
    left = network - maximum_flow(network, 0, n - 1).flow
    left.eliminate_zeros()
    reached = np.zeros(n, bool)
    reached[breadth_first_order(left, 0, return_predecessors=False)] = True
    return reached.tolist()


@pytest.mark.parametrize("seed", range(200))
def test_random_networks(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 12))
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]  # both ways, so that flow is sent back
    chosen = rng.permutation(len(pairs))[: rng.integers(1, len(pairs) + 1)]
    tails, heads = zip(*(pairs[k] for k in chosen), strict=True)
    capacities = rng.integers(0, 6, len(chosen)).tolist()
    network = Network(n)
    for edge in zip(tails, heads, capacities, strict=True):
        network.connect(*edge)
    assert network.sources_side(0, n - 1) == scipys(n, tails, heads, capacities)


def test_a_long_network():
    n = 5000
    network = Network(n)
    for k in range(n - 1):
        network.connect(k, k + 1, 3 if k == 3000 else 4)
    assert network.sources_side(0, n - 1) == [k <= 3000 for k in range(n)]


def test_edges_between_the_same_vertices_add_up():
    network = Network(3)
    for capacity in (1, 2):
        network.connect(0, 1, capacity)
    network.connect(1, 2, 2)
    assert network.sources_side(0, 2) == [True, True, False]
