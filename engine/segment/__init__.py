"""Click to matte: SAM 2 finds an object from clicks or a box, in a worker process of its own."""
