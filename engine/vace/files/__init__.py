"""A model on disk: where it is, whether it is whole, and how single files, LoRAs and text encoders are read."""
