"""Projects on disk: opened, saved, recovered, their media found again."""
