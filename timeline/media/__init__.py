"""Movies, stills and image sequences: exact frames in, tagged frames out."""
