"""What networks share: their tensors and parts, pre-trained backbones, and how weight and model files are opened."""
