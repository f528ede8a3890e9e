"""From a shot to cleaned frames: the request, the queue, the engine, the results and their takes."""
