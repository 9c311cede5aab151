from __future__ import annotations

import numpy as np
import pytest

from advisor.training.losses import LOSSES, class_weights, row_scores, row_weights

from .cases import recipe


def test_balanced_classes_have_the_same_say_and_rows_weigh_one_on_average() -> None:
    y = np.array([0] * 90 + [1] * 10, np.int32)
    weights = class_weights(y, "multiclass")
    assert weights is not None
    rows = row_weights(y, weights, "multiclass")
    assert rows[y == 0].sum() == pytest.approx(rows[y == 1].sum())
    assert rows.mean() == pytest.approx(1)


def test_binary_and_multilabel_targets_are_weighted_label_by_label() -> None:
    y = np.array([[1.0, 0.0]] * 3 + [[0.0, 1.0]], np.float32)
    weights = class_weights(y, "multilabel")
    assert weights is not None
    assert weights == pytest.approx(np.array([[2, 2 / 3], [2 / 3, 2]]))
    assert row_weights(y, weights, "multilabel") == pytest.approx([2 / 3] * 3 + [2])


def test_regressions_have_no_class_weights_and_absent_classes_none_either() -> None:
    assert class_weights(np.ones((3, 1), np.float32), "regression") is None
    weights = class_weights(np.array([0, 2, 2], np.int32), "multiclass")
    assert weights is not None
    assert weights == pytest.approx([1.5, 0, 0.75])


def test_every_loss_gives_one_number_a_row() -> None:
    import tensorflow as tf

    for name, loss in LOSSES.items():
        if name == "sparse_categorical_crossentropy":
            y, output = tf.constant([0, 1, 1]), tf.constant([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
        else:
            y, output = tf.constant([[0.0], [1.0], [1.0]]), tf.constant([[0.1], [0.5], [0.9]])
        values = loss(y, output, recipe()).numpy()
        assert values.shape == (3,)
        assert values[1] > values[0] == pytest.approx(values[2], rel=1e-5)


def test_scores_are_right_answers_or_squared_errors_in_the_users_units() -> None:
    import tensorflow as tf

    classes = row_scores(tf.constant([0, 1]), tf.constant([[0.9, 0.1], [0.8, 0.2]]), "multiclass")
    assert classes.numpy().tolist() == [1, 0]
    labels = row_scores(tf.constant([[1.0, 0.0]]), tf.constant([[0.7, 0.7]]), "multilabel")
    assert labels.numpy().tolist() == [0.5]
    errors = row_scores(tf.constant([[1.0]]), tf.constant([[3.0]]), "regression", np.array([10.0], np.float32))
    assert errors.numpy().tolist() == [400]
