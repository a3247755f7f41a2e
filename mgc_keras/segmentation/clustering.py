"""Spectral clustering of the windows of a song, from distances to labels.

The steps are those of Asgharivaskasi et al. (2019), which are Ng, Jordan and Weiss's: a graph, its normalised
Laplacian, the eigenvectors of its largest eigenvalues as coordinates, and k-means.
"""

import numpy as np
import pandas as pd
from scipy.linalg import eigh
from sklearn.cluster import KMeans

from mgc_keras.errors import OptionError


def graph_of(distances: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Return the weights A = exp(-(S / scale)²) between windows, with a zero diagonal.

    Parameters
    ----------
    distances : np.ndarray [shape=(n_windows, n_windows), dtype=float64]
        S, symmetric.
    scale : float
        The distance, above 0, at which windows count as far apart. The paper's equation has none, which is 1.

    Example
    -------
    >>> graph_of(np.array([[0.0, 1.0], [1.0, 0.0]])).round(3).tolist()
    [[0.0, 0.368], [0.368, 0.0]]
    """
    graph = np.exp(-((distances / scale) ** 2))
    np.fill_diagonal(graph, 0.0)
    return graph


def normalised_laplacian(graph: np.ndarray) -> np.ndarray:
    """Return D^-1/2 A D^-1/2, D the sums of the rows of A; a window without any neighbour has a row of zeros.

    Example
    -------
    >>> normalised_laplacian(np.array([[0.0, 4.0], [4.0, 0.0]])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    degrees = graph.sum(axis=1)
    weights = np.divide(1.0, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
    return weights[:, None] * graph * weights


def cluster_graph(
    graph: np.ndarray, n_clusters: int | None = None, *, most_clusters: int = 10, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Divide the nodes of a graph into clusters.

    Parameters
    ----------
    graph : np.ndarray [shape=(n_nodes, n_nodes), dtype=float64]
        Weights from 0 up, symmetric, with a zero diagonal.
    n_clusters : int, optional
        k; by default read from the eigenvalues: see `clusters_before_gap`.
    most_clusters : int
        The most that the gap may choose.
    seed : int
        Of k-means.

    Returns
    -------
    labels : np.ndarray [shape=(n_nodes,), dtype=int]
        From 0, in the order in which clusters first appear.
    eigenvalues : np.ndarray [dtype=float64]
        The largest of the Laplacian, falling: as many as were looked at.

    Raises
    ------
    OptionError
        More clusters than nodes.

    References
    ----------
    Ng, Jordan, Weiss: On spectral clustering: analysis and an algorithm, NIPS 2001.
    von Luxburg: A tutorial on spectral clustering, 2007, section 8.3 (the gap).

    Example
    -------
    >>> pairs = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0.0]])
    >>> cluster_graph(pairs, n_clusters=2)[0].tolist()
    [0, 0, 1, 1]
    """
    n_nodes = len(graph)
    if n_clusters is not None and n_clusters > n_nodes:
        raise OptionError(f"{n_clusters} are more than the {n_nodes} windows", field="n_segments", cure="ask for fewer")
    n_wanted = min(n_nodes, max(n_clusters or 0, most_clusters + 1))
    values, vectors = eigh(normalised_laplacian(graph), subset_by_index=(n_nodes - n_wanted, n_nodes - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    k = n_clusters or clusters_before_gap(values, most_clusters)
    coordinates = vectors[:, :k]
    lengths = np.linalg.norm(coordinates, axis=1, keepdims=True)
    coordinates = np.divide(coordinates, lengths, out=np.zeros_like(coordinates), where=lengths > 0)
    found = KMeans(k, n_init=10, random_state=seed).fit_predict(coordinates)
    return pd.factorize(found)[0], values


def clusters_before_gap(eigenvalues: np.ndarray, most: int) -> int:
    """Return how many eigenvalues stand before the widest gap between neighbours, counting from the second on.

    The first eigenvalue is always 1. The gap behind it is wide unless the clusters hardly touch; to count it, too,
    would leave most songs whole. A graph whose second eigenvalue is not positive has nothing to divide: one cluster.

    `eigenvalues` fall; there are `most` clusters at most.

    Example
    -------
    >>> clusters_before_gap(np.array([1.0, 0.6, 0.5, 0.1, 0.0]), most=4)
    3
    """
    if most == 1 or len(eigenvalues) < 2 or eigenvalues[1] <= 0:
        return 1
    gaps = -np.diff(eigenvalues[1 : most + 1])
    return int(np.argmax(gaps)) + 2 if len(gaps) else 2
