"""The weight files that the authors published."""

from mgc_keras.networks.registry import WeightFile

FILES = {
    "choi2017_theano": WeightFile(
        "Choi 2017 convnet with its 50 tags, Keras 1.2, Theano order (MIT)",
        "keunwoochoi/music-auto_tagging-keras",
        "compact_cnn/weights_layer4_theano.hdf5",
        "caf89f811415691fbb245be7eef394b9cebd787d7e3f78e29695972141cf2a08",
        "e3b60fd1b262fd8f848b1adf202ba69a7cd9d6bd",
    ),
    "choi2017_tensorflow": WeightFile(
        "the same without the tags, Keras 1.2, TensorFlow order (MIT)",
        "keunwoochoi/music-auto_tagging-keras",
        "compact_cnn/weights_layer4_tensorflow.hdf5",
        "42e791b8c1b41ffe82c74d0501d8216eaee94d0b727b44de39ccc83ef810aed3",
        "e3b60fd1b262fd8f848b1adf202ba69a7cd9d6bd",
    ),
    "choi2017_keras2": WeightFile(
        "its batch-independent successor, Keras 2.1.1, features and tags (no licence stated)",
        "keunwoochoi/transfer_learning_music",
        "keras2_model/model_best.hdf5",
        "b5042bd44de1fdd9d757b764d9246e6934f47c8bdc5c15bf13566495f3439d48",
        "bae88053cb16a2f149524f99d9e2976e53636297",
    ),
}
