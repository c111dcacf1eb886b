"""``python -m curator``: the same as the `curator` command.

The package's own ``__init__`` has taken the current folder off the path by now.
"""

from curator.cli import main

main()
