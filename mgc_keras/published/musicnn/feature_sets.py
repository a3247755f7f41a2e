"""The feature set of musicnn."""

from mgc_keras.features.sets import BuiltFeatures, FeatureOptions, FeatureSet

DEFAULT_WEIGHTS = "MTT_musicnn"


def _musicnn(options: FeatureOptions, jobs: int | None) -> BuiltFeatures:
    from mgc_keras.errors import OptionError
    from mgc_keras.execution import policy
    from mgc_keras.features.network import NetworkExtractor, find_weights
    from mgc_keras.networks.kinds import kind_of
    from mgc_keras.networks.load import load_model
    from mgc_keras.published.musicnn.extractor import FEW_PATCHES, PatchMeans
    from mgc_keras.published.musicnn.network_kinds import KINDS

    weights = find_weights(options.weights or DEFAULT_WEIGHTS)
    # A model that was saved may give features or tags; of another network no option is known.
    model = load_model(weights)
    if kind_of(model) not in KINDS:
        cure = "take MTT_musicnn, MSD_musicnn, MTT_vgg or MSD_vgg, or leave out --features"
        raise OptionError(f"{weights} is no network of musicnn", field="--weights", cure=cure)
    model = load_model(weights, output=options.output or "features", input="waveform")
    batch_size = FEW_PATCHES if options.batch_size is None and policy().device == "CPU" else options.batch_size
    extractor = NetworkExtractor(model, name="musicnn", weights_file=weights, batch_size=batch_size)
    return BuiltFeatures(PatchMeans(extractor))


FEATURE_SETS = (
    FeatureSet(
        "musicnn",
        "953 numbers of musicnn (Pons and Serra 2019): penultimate_000 ... _199, max_pool_000 ... _752; of its vgg "
        "networks 256, pool5_000 ... _255. Mean over the whole clip. Default weights: MTT_musicnn.",
        _musicnn,
        takes=("weights", "output", "batch_size", "precision"),
        blocks={"penultimate": "penultimate_", "max_pool": "max_pool_"},
    ),
)
