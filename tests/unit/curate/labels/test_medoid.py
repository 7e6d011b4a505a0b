import numpy as np

from headrace.curate.labels.medoid import medoids


def test_the_medoid_is_the_most_typical_by_direction() -> None:
    vectors = np.array([[1.0, 0.0], [2.0, 2.0], [0.0, 1.0]])
    assert medoids(["a", "a", "a"], vectors) == [1]


def test_the_largest_cluster_comes_first_and_ties_go_by_name() -> None:
    vectors = np.eye(6)
    assert medoids(["b", "a", None, "c", "c", "c"], vectors) == [3, 1, 0]


def test_a_vector_of_zeros_is_nobodys_medoid_and_no_error() -> None:
    assert medoids(["a", "a"], np.array([[0.0, 0.0], [1.0, 0.0]])) == [1]
