"""The checkpoints in the authors' wheel, which pip has as musicnn 0.1.0."""

from mgc_keras.networks.wheels import Wheel, WheelFile

WHEEL = Wheel(
    "musicnn==0.1.0",
    "musicnn-0.1.0-py3-none-any.whl",
    "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
)
FILES = {
    "MTT_musicnn": WheelFile(
        "MTT musicnn: 50 tags of MagnaTagATune, musically motivated network, TensorFlow 1 (ISC)",
        WHEEL,
        "musicnn/MTT_musicnn/.index",
        "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
        "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
    ),
    "MTT_vgg": WheelFile(
        "MTT vgg: the same tags, VGG-like baseline, TensorFlow 1 (ISC)",
        WHEEL,
        "musicnn/MTT_vgg/.index",
        "4b0d3d2d02bbe0919c063c1fb74bfa9018ac3517e362d681b07444d4207a5f5f",
        "458f5c8bcecc086a3bba3dce83809df6da6e0a3560a59ddd84711bf3d5fd8303",
    ),
    "MSD_musicnn": WheelFile(
        "MSD musicnn: 50 last.fm tags of the Million Song Dataset, TensorFlow 1 (ISC)",
        WHEEL,
        "musicnn/MSD_musicnn/.index",
        "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
        "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
    ),
    "MSD_vgg": WheelFile(
        "MSD vgg: the same tags, VGG-like baseline, TensorFlow 1 (ISC)",
        WHEEL,
        "musicnn/MSD_vgg/.index",
        "50e499238457558bba9f34f8b84d4afb8279afd43520cdf0a4fdf805a49c9ca3",
        "9683d756b8311146534f333502ebf4a2a78a3e320c54ab0411dff6186d8375fc",
    ),
}
