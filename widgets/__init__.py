"""The page: ipywidgets panels over :class:`curator.Project`, thin, one file a panel.

Nothing here computes: panels show what the store says, record decisions in the ledger and hand
long work to the worker process. The page's kernel never imports torch.
"""

from __future__ import annotations

from typing import Any

__all__ = ["classifier", "dashboard"]


def dashboard(project: str | None = None) -> Any:
    """The whole dashboard, for the last expression of a notebook cell.

    ``project``: folder of the project to open; default: the one that `curator dashboard` was
    given, else the start page.
    """
    from widgets.app import Dashboard

    return Dashboard(project).root


def classifier(model: str | None = None, project: str | None = None) -> Any:
    """A page to try pictures on a model's folder, for the last expression of a notebook cell.

    ``model``: default the one that `curator classify` was given; ``project``: one whose images are
    the evidence, and that takes pictures in.
    """
    from widgets.classifier import Classifier

    return Classifier(model, project).root
