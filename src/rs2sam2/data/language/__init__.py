"""What a phrase means: parse it, run it on a layout, word it, turn it with the image."""
