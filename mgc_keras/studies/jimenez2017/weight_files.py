"""The weight files that the authors published."""

from mgc_keras.networks.registry import WeightFile

FILES = {
    "music_tagger_crnn": WeightFile(
        "MusicTaggerCRNN, 50 last.fm tags, Keras 1, Theano order (MIT)",
        "keunwoochoi/music-auto_tagging-keras",
        "data/music_tagger_crnn_weights_theano.h5",
        "783d8198417fd5d6ceee551dea5ec3e7f0210ec743af4819172b5c943044081c",
        "90b294091adaada477b9003201dd20a9fe15a3c1",
    ),
    "music_tagger_crnn_tensorflow": WeightFile(
        "the same network, Keras 1, TensorFlow order (MIT)",
        "keunwoochoi/music-auto_tagging-keras",
        "data/music_tagger_crnn_weights_tensorflow.h5",
        "df63638de9f3113780768181670c554f122fbd1297c63c065836d70a251115a8",
        "90b294091adaada477b9003201dd20a9fe15a3c1",
    ),
    "jimenez2017": WeightFile(
        "MusicTaggerCRNN tuned to the ten genres of GTZAN by Jimenez and Jose, Keras 1 (MIT)",
        "jsalbert/Music-Genre-Classification-with-Deep-Learning",
        "models_trained/example_model/weights/crnn_net_gru_adam_ours_epoch_40.h5",
        "e6d7d9aa90eef37e84f604e122a7550a881d2e927a7aa9f6308ceb6b8c2063f2",
        "3a489f010398af47ec65b560c8bc7d8323c77b53",
    ),
}
