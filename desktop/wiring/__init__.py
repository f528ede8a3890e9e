"""What the parts of the window do together: actions to commands, signals to what shows them."""
