"""Saying that a finding is no problem, of all or some of its images, and bringing it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from curator.check.findings import DISMISSABLE, OF_IMAGES, findings
from curator.errors import InputError
from curator.store import dismissals
from curator.store.classes import find_class
from curator.store.dismissals import BRING_BACK, DISMISS, Subject

if TYPE_CHECKING:
    from curator.store.ledger import Decided
    from curator.store.workspace import Workspace


def dismiss(
    workspace: Workspace,
    code: str,
    image_ids: Sequence[int] = (),
    label: str | None = None,
    by: str | None = None,
    back: bool = False,
) -> Decided:
    """Dismiss a finding of the check, or bring it ``back``, as one step of undo.

    ``code``: of :data:`~curator.check.findings.DISMISSABLE`. ``image_ids``: of which of its images;
    by default of all that it has now, so that it comes up again with another. ``label``: the class,
    of a finding of one class. Nothing left to do is no error. Raises InputError, UnknownClass.
    """
    if code not in DISMISSABLE:
        raise InputError(
            f"{code[:60]!r} cannot be dismissed.", f"Use one of {', '.join(DISMISSABLE)}."
        )
    with workspace.database.read() as connection:
        subjects = [Subject()]
        if code in OF_IMAGES:
            seen = [item for item in findings(connection, dismissed_ones=back) if item.code == code]
            having = [i for item in seen for i in item.images]
            if strange := set(image_ids) - set(having):
                raise InputError(
                    f"Image {min(strange)} has no such finding.", "Look at them in `curator check`."
                )
            subjects = [Subject(image_id=i) for i in image_ids or having]
        elif image_ids:
            raise InputError(f"The finding {code!r} is not of single images.")
        elif code == "tiny_class":
            if label is None:
                raise InputError("The finding 'tiny_class' is of one class.", "Name the class.")
            subjects = [Subject(class_id=find_class(connection, label).id)]
    action = BRING_BACK if back else DISMISS
    return dismissals.record(workspace.database, {code: subjects}, action, by)
