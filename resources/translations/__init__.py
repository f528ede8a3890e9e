"""Catalogues of the desktop's texts, and the script that keeps them in step: ``make translations``."""
