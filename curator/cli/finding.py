"""Commands that find images by their features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from curator.cli.printing import AsJson, ProjectPath, bars, note, say, say_json, say_table
from curator.cli.training import Device
from curator.errors import InputError
from curator.files import write_atomic
from curator.frames import pd
from curator.phrasing import many
from curator.project import Project
from curator.spreadsheets import csv_text

if TYPE_CHECKING:
    from curator.find.concepts import Concept
    from curator.find.map.kept import ImageMap
    from curator.find.subsets import Way
    from curator.review.queue.kinds import Queue

Top = Annotated[int, typer.Option(min=1, help="Only the first so many.")]
SHOWN = 24
COLUMNS = ["label", "predicted", "split", "state", "width", "height", "source"]

concept = typer.Typer(
    name="concept",
    help="Look for what some images show, under a name: drawings, people, watermarks.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The concept's name.")]
Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="Ids of images.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(similar)
    app.command()(find)
    app.command()(sample)
    app.command()(accept)
    app.command("map")(lay_out)
    concept.command()(add)
    concept.command("list")(list_concepts)
    concept.command()(show)
    concept.command()(yes)
    concept.command()(no)
    concept.command()(rename)
    concept.command()(remove)
    app.add_typer(concept)


def similar(
    project: ProjectPath,
    image_ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID...", help="Images to compare with.")
    ] = None,
    *,
    picture: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|ADDRESS", help="A picture that is none of the project's."),
    ] = None,
    label: Annotated[str, typer.Option("--class", metavar="CLASS", help="Only this class.")] = "",
    top: Top = SHOWN,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Also fetch from this machine and the local network."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the images most like some of them, or like a picture from elsewhere."""
    from curator.collect.http.client import FetchSettings
    from curator.review.queue.filters import Filters

    with Project.open(project) as opened:
        found = opened.similar(
            image_ids or (),
            *(picture or ()),
            filters=Filters(label=label),
            settings=FetchSettings(allow_private=allow_private),
        )
        show_scored(found, top, as_json)


def find(
    project: ProjectPath,
    words: Annotated[str, typer.Argument(metavar="WORDS", help="Such as 'a drawing of a bear'.")],
    *,
    label: Annotated[str, typer.Option("--class", metavar="CLASS", help="Only this class.")] = "",
    top: Top = SHOWN,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """List the images most like what you say in words; needs the extra `text`."""
    from curator.encode.backbones.clip import require_installed
    from curator.find.words import UNTRIED
    from curator.review.queue.filters import Filters

    require_installed()
    with Project.open(project) as opened:
        needs = opened.find_needs()
        if needs.megabytes:
            note(f"{needs.sentence} {UNTRIED}")
        with bars() as listener:
            chosen = Filters(label=label)
            queue = opened.find(words, filters=chosen, device=device, listener=listener)
        show_scored(queue, top, as_json)


def show_scored(queue: Queue, top: int, as_json: bool) -> None:
    """A queue with scores as a table, its meaning below."""
    table = queue.table(top)
    if as_json:
        say_json(table)
    elif table.empty:
        say("No image is in this queue.")
    else:
        score = table.columns[1]
        shown = table[["image_id", score, *COLUMNS]].dropna(axis="columns", how="all")
        say_table(shown, {score: ".3f"})
        say("", queue.meaning, f"The first {len(table)} of {many(len(queue), 'image')}.")


def accept(
    project: ProjectPath,
    image_ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID...", help="Pictures without a label.")
    ] = None,
    *,
    at_least: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="P", help="All that the model is as sure of as this."),
    ] = None,
    label: Annotated[
        str, typer.Option("--class", metavar="CLASS", help="Only what it takes for this class.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many would be wrong; change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give pictures without a label the class that the model takes them for.

    `curator queue PROJECT surest` lists them, and `curator undo` takes it back.
    """
    from curator.review.queue.filters import Filters

    if bool(image_ids) == (at_least is not None):
        raise InputError(
            "It is not said which pictures.", "Give their ids, or --at-least, such as 0.95."
        )
    with Project.open(project) as opened:
        ids = list(image_ids or ())
        if at_least is not None:
            queue = opened.queue("surest", Filters(predicted=label))
            assert queue.scores is not None
            ids = queue.ids[queue.scores >= at_least].tolist()
        if not ids:
            raise InputError("The model is that sure of none.", "Label some more, and train again.")
        done = opened.accept(ids, dry_run=dry_run)
        name = opened.select(done.audit) if done.audit else ""
    if as_json:
        say_json(done.to_dict())
        return
    say(done.sentence)
    if name:
        looked = f"curator queue {project} audit --selection {name}"
        say(f"Next: look at a random tenth of them, {many(len(done.audit), 'image')}: {looked}")


def sample(
    project: ProjectPath,
    *,
    diverse: Annotated[
        int | None, typer.Option(metavar="N", help="So many that are unlike each other.")
    ] = None,
    typical: Annotated[
        int | None, typer.Option(metavar="N", help="So many near the middle of their class.")
    ] = None,
    random: Annotated[int | None, typer.Option(metavar="N", help="So many by chance.")] = None,
    label: Annotated[str, typer.Option("--class", metavar="CLASS", help="Only this class.")] = "",
    balanced: Annotated[
        bool, typer.Option("--balanced", help="As many of each class, as far as it has them.")
    ] = False,
    without_duplicates: Annotated[
        bool,
        typer.Option("--without-duplicates", help="Of near-duplicates only the best to keep."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the list to this file as CSV.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Choose images: diverse, typical, or by chance; the same ones every time."""
    from curator.review.queue.filters import Filters
    from curator.review.queue.tiles import rows

    ways: dict[Way, int | None] = {"diverse": diverse, "typical": typical, "random": random}
    asked = [(way, number) for way, number in ways.items() if number is not None]
    if len(asked) != 1:
        raise InputError(
            "Say in which way to choose.", "Use one of --diverse N, --typical N or --random N."
        )
    ((way, number),) = asked
    with Project.open(project) as opened:
        chosen = opened.subset(
            number,
            way,
            filters=Filters(label=label),
            balanced=balanced,
            without_duplicates=without_duplicates,
        )
        name = opened.select(chosen.image_ids) if chosen.image_ids and not opened.read_only else ""
        if as_json:
            say_json({**chosen.to_dict(), "selection": name})
            return
        table = pd.DataFrame(
            rows(opened, "all", chosen.image_ids), columns=["id", "sha256", "file", *COLUMNS]
        )
    table = table.rename(columns={"id": "image_id"})
    if out is not None:
        write_atomic(out, csv_text(table).encode())
        say(chosen.sentence, f"The list is in {out}.")
    else:
        say_table(table.drop(columns=["sha256", "file"]).dropna(axis="columns", how="all"))
        say("", chosen.sentence)
    if name:
        say(f"As a queue: curator queue {project} all --selection {name}")


def lay_out(
    project: ProjectPath,
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every image's point as CSV.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Lay out all again, so that every point moves.")
    ] = False,
    box: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(
            metavar="X0 Y0 X1 Y1",
            help="Tell which images the map has in this box, -1 to 1, and how many labels among "
            "them are likely wrong.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lay out all images in a plane, like beside like; again: place what came since."""
    from curator.find.map.colours import colouring

    if box is not None:
        _look_within(project, box, out, as_json)
        return
    with Project.open(project) as opened, bars() as listener:
        shown = opened.map(anew, listener=listener)
        labels = colouring(opened, shown.image_ids, "class")
    table = _points(shown)
    if out is not None:
        write_atomic(out, csv_text(table).encode())
    if as_json:
        say_json(
            {
                "images": len(shown),
                "features": shown.features,
                "method": shown.method,
                "made": shown.made,
                "points": [] if out else table.to_dict("records"),
            },
            one_line=True,
        )
        return
    said = f"{many(len(shown), 'image')} of {many(len(labels.names), 'class', 'classes')}"
    say(f"{said} on the map, by {shown.method}, of the features {shown.features}.")
    if lacking := len(shown.left_out):
        said = f"{many(lacking, 'image')} could not be read and left out"
        say(f"{said}: `curator check PROJECT` names them.")
    if out is not None:
        say(f"The points are in {out}.")


def _look_within(
    project: Path, box: tuple[float, float, float, float], out: Path | None, as_json: bool
) -> None:
    """What a box around a part of the last map tells, as the page's does."""
    x0, y0, x1, y1 = box
    with Project.open(project) as opened:
        ids = opened.region(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
        share = opened.wrong_within(ids)
        shown = opened.kept_map()
    assert shown is not None
    if out is not None:
        table = _points(shown)
        write_atomic(out, csv_text(table[table["image_id"].isin(ids)]).encode())
    if as_json:
        say_json({**share.to_dict(), "image_ids": ids.tolist()}, one_line=True)
        return
    if len(ids):
        say("Images: " + " ".join(map(str, ids.tolist())))
    say(share.sentence)
    if out is not None:
        say(f"The points are in {out}.")


def _points(shown: ImageMap) -> pd.DataFrame:
    """Columns: image_id, x, y."""
    x, y = shown.points.T
    return pd.DataFrame({"image_id": shown.image_ids, "x": x, "y": y})


def add(
    project: ProjectPath,
    name: Name,
    image_ids: Ids,
    without: Annotated[
        list[int] | None,
        typer.Option("--not", metavar="ID", help="One that does not show it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for what these images show."""
    with Project.open(project) as opened:
        _say(opened.add_concept(name, image_ids, without or ()), as_json)


def list_concepts(project: ProjectPath, as_json: AsJson = False) -> None:
    """List the concepts, and how many images likely show each."""
    with Project.open(project) as opened:
        found = opened.concepts()
    if as_json:
        say_json([item.to_dict() for item in found])
    elif found:
        say(*(item.sentence for item in found))
    else:
        say("There is no concept yet: `curator concept add PROJECT NAME ID...` makes one.")


def show(project: ProjectPath, name: Name, top: Top = SHOWN, as_json: AsJson = False) -> None:
    """List the images that most likely show it and that nobody marked yet."""
    from curator.review.queue.filters import Filters

    with Project.open(project) as opened:
        show_scored(opened.queue("concept", Filters(like=name)), top, as_json)


def yes(project: ProjectPath, name: Name, image_ids: Ids, as_json: AsJson = False) -> None:
    """Answer that these images show it."""
    with Project.open(project) as opened:
        opened.mark_concept(name, image_ids, shows=True)
        _say(opened.concept(name), as_json)


def no(project: ProjectPath, name: Name, image_ids: Ids, as_json: AsJson = False) -> None:
    """Answer that these images do not show it."""
    with Project.open(project) as opened:
        opened.mark_concept(name, image_ids, shows=False)
        _say(opened.concept(name), as_json)


def rename(
    project: ProjectPath,
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="What to call it.")],
    as_json: AsJson = False,
) -> None:
    """Call it otherwise; what you answered stays."""
    with Project.open(project) as opened:
        opened.rename_concept(name, new)
        _say(opened.concept(new), as_json)


def remove(project: ProjectPath, name: Name) -> None:
    """Look for it no longer; added again, its marks are back."""
    with Project.open(project) as opened:
        opened.remove_concept(name)
    say(f"{name} is no longer looked for. `curator undo` takes it back.")


def _say(found: Concept, as_json: bool) -> None:
    if as_json:
        say_json(found.to_dict())
    else:
        say(found.sentence)
