"""What musicnn adds to the networks that the package opens: its two networks, from two kinds of file."""

from mgc_keras.networks.kinds import INPUTS, CheckpointReader, FileReader, NetworkKind
from mgc_keras.networks.saved import holds_config
from mgc_keras.published.musicnn.network import OUTPUTS, feature_columns, is_musicnn, is_vgg, with_variant
from mgc_keras.published.musicnn.weight_files import FILES
from mgc_keras.published.musicnn.weights import is_musicnn_checkpoint, is_musicnn_model, read_checkpoint, read_keras2

KINDS = (
    NetworkKind(
        name="a network of musicnn",
        recognises=lambda model: is_musicnn(model) or is_vgg(model),
        choices={"output": OUTPUTS, "input": INPUTS},
        variant=with_variant,
        readers=(FileReader(lambda file: holds_config(file, is_musicnn_model), read_keras2),),
        checkpoints=(CheckpointReader(is_musicnn_checkpoint, read_checkpoint, tuple(FILES)),),
        columns=feature_columns,
        resampler="kaiser_best",
    ),
)
