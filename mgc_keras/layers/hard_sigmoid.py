"""The hard sigmoid of old recurrent networks."""

import keras


@keras.saving.register_keras_serializable("mgc_keras")
def keras1_hard_sigmoid(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return ``clip(0.2 x + 0.5, 0, 1)``, the hard sigmoid of Keras 1 and 2, by which recurrent gates opened.

    Keras 3 has another function of that name, ``clip(x / 6 + 0.5, 0, 1)``: old recurrent weights give other numbers
    with it.

    Example
    -------
    >>> keras1_hard_sigmoid(keras.ops.array([-3.0, 0.0, 1.25, 3.0])).numpy().tolist()
    [0.0, 0.5, 0.75, 1.0]
    """
    return keras.ops.clip(0.2 * inputs + 0.5, 0.0, 1.0)
