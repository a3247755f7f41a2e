"""What this study adds to the networks that the package opens: MusicTaggerCRNN."""

from mgc_keras.networks.kinds import INPUTS, FileReader, NetworkKind
from mgc_keras.studies.jimenez2017.keras1_weights import crnn_from_file, is_crnn_weights
from mgc_keras.studies.jimenez2017.network import OUTPUTS, is_crnn
from mgc_keras.studies.jimenez2017.variants import with_variant

KINDS = (
    NetworkKind(
        name="MusicTaggerCRNN",
        recognises=is_crnn,
        choices={"output": OUTPUTS, "input": INPUTS},
        variant=with_variant,
        readers=(
            FileReader(
                is_crnn_weights,
                lambda file, path, chosen: crnn_from_file(file, path, **chosen),
                ("music_tagger_crnn", "music_tagger_crnn_tensorflow", "jimenez2017"),
            ),
        ),
        # Its authors put zeros behind short songs.
        fit="zero_pad",
    ),
)
