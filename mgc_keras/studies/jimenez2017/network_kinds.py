"""What this study adds to the networks that the package opens: MusicTaggerCRNN."""

from mgc_keras.networks.kinds import INPUTS, FileReader, NetworkKind
from mgc_keras.studies.jimenez2017.keras1_weights import crnn_from_file, is_crnn_weights
from mgc_keras.studies.jimenez2017.network import OUTPUTS, is_crnn
from mgc_keras.studies.jimenez2017.network_parts import crnn_variant

KINDS = (
    NetworkKind(
        "MusicTaggerCRNN",
        is_crnn,
        {"output": OUTPUTS, "input": INPUTS},
        crnn_variant,
        readers=(FileReader(is_crnn_weights, lambda file, path, chosen: crnn_from_file(file, path, **chosen)),),
        # Its authors put zeros behind short songs.
        fit="zero_pad",
    ),
)
