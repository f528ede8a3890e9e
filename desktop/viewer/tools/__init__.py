"""What the left mouse button does in the viewer: one module per tool."""
