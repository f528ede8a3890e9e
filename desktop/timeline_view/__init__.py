"""The timeline strip."""
