"""The page's kernel: IPython's, without the files and folders that could change what it runs.

IPython reads configuration from the user's and the system's folders, and runs startup files found
there and the one named by PYTHONSTARTUP. None of that here. Started by the dashboard alone, with
the interpreter that runs it.
"""

from __future__ import annotations

from typing import Any

from ipykernel.kernelapp import IPKernelApp


class PageKernel(IPKernelApp):
    """An IPython kernel that is what this package says, whatever lies around."""

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Read none."""

    def init_config_files(self) -> None:
        """Look for none."""

    def _run_startup_files(self) -> None:
        """Run none."""


if __name__ == "__main__":
    PageKernel.launch_instance()
