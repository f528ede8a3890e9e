"""Renders jobs: the job list and its queue, the worker process, compositing, the frame cache, delivery."""
