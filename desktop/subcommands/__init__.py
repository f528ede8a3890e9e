"""The subcommands of ``grayplate``, each with ``add_arguments`` and ``run``."""
