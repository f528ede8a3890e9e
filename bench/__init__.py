"""Measurements, run by hand; each module says how."""
