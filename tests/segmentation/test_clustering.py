"""Spectral clustering against scikit-learn's, and where graphs are at their limits."""

import numpy as np
import pytest
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score

from mgc_keras.errors import OptionError
from mgc_keras.segmentation.clustering import (
    cluster_graph,
    clusters_before_gap,
    graph_of,
    normalised_laplacian,
)


def separable(sizes: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A graph of strong blocks and weak links between them, its nodes in random order; and the blocks."""
    random = np.random.default_rng(seed)
    truth = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    distances = np.where(truth[:, None] == truth, 0.3, 2.0) + 0.2 * random.random((len(truth), len(truth)))
    return graph_of((distances + distances.T) / 2), truth


@pytest.mark.parametrize("sizes", [(30, 20), (12, 25, 9, 14)])
def test_clusters_are_scikit_learns_on_a_separable_graph(sizes):
    graph, truth = separable(sizes)
    expected = SpectralClustering(len(sizes), affinity="precomputed", random_state=0).fit_predict(graph)
    for k in (len(sizes), None):
        labels, _ = cluster_graph(graph, k)
        assert adjusted_rand_score(expected, labels) == 1 and adjusted_rand_score(truth, labels) == 1


def test_the_graph_is_the_papers_equation():
    distances = np.array([[0.5, 0.0, 2.0], [0.0, 0.1, 1.0], [2.0, 1.0, 0.0]])
    expected = [[0, 1, np.exp(-4)], [1, 0, np.exp(-1)], [np.exp(-4), np.exp(-1), 0]]
    np.testing.assert_allclose(graph_of(distances), expected)
    np.testing.assert_allclose(graph_of(3 * distances, scale=3.0), expected)


def test_the_laplacians_eigenvalues_are_those_of_every_solver():
    graph, _ = separable((10, 10, 10))
    degrees = graph.sum(axis=1)
    # Those of the random walk D^-1 A, which has the same spectrum.
    expected = np.sort(np.linalg.eigvals(graph / degrees[:, None]).real)[::-1]
    _, eigenvalues = cluster_graph(graph, most_clusters=6)
    np.testing.assert_allclose(eigenvalues, expected[:7], atol=1e-12)
    laplacian = normalised_laplacian(graph)
    np.testing.assert_allclose(laplacian @ np.sqrt(degrees), np.sqrt(degrees))
    np.testing.assert_allclose(laplacian, laplacian.T, rtol=1e-14)


def test_labels_count_from_zero_as_they_appear_and_are_the_same_again():
    graph, _ = separable((15, 15, 15), seed=3)
    labels, _ = cluster_graph(graph, 3, seed=7)
    first = [int(np.flatnonzero(labels == label)[0]) for label in range(3)]
    assert first == sorted(first) and first[0] == 0
    np.testing.assert_array_equal(cluster_graph(graph, 3, seed=7)[0], labels)
    # Another order of the nodes is the same division.
    order = np.random.default_rng(0).permutation(len(graph))
    assert adjusted_rand_score(cluster_graph(graph[order][:, order], 3)[0], labels[order]) == 1


@pytest.mark.parametrize(
    ("eigenvalues", "most", "k"),
    [
        ([1, 0.9, 0.3, 0.2], 3, 2),
        ([1, 0.5, 0.45, 0.1], 3, 3),
        ([1, 0.5, 0.45, 0.1], 2, 2),
        ([1, 0.5, 0.45, 0.1], 1, 1),
        ([1, -0.1, -0.1, -0.1], 3, 1),
        ([1, 0.3], 5, 2),
        ([0.0], 5, 1),
    ],
)
def test_clusters_before_the_gap(eigenvalues, most, k):
    assert clusters_before_gap(np.array(eigenvalues), most) == k


def test_nodes_without_neighbours_and_graphs_without_links():
    graph, truth = separable((8, 8))
    lonely = np.zeros((17, 17))
    lonely[:16, :16] = graph
    labels, eigenvalues = cluster_graph(lonely, 2)
    assert adjusted_rand_score(truth, labels[:16]) == 1 and np.isfinite(eigenvalues).all()
    assert cluster_graph(np.zeros((4, 4)))[0].tolist() == [0, 0, 0, 0]
    assert cluster_graph(np.ones((4, 4)) - np.eye(4))[0].tolist() == [0, 0, 0, 0]


def test_more_clusters_than_nodes():
    with pytest.raises(OptionError, match="7 are more than the 6 windows"):
        cluster_graph(separable((3, 3))[0], 7)
