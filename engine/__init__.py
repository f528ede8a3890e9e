"""The process that renders: image effects, their host, and the API that other programs talk to."""
