"""What a service is told: where it listens, who may ask, and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from curator.errors import InputError
from curator.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ServeSettings(Settings):
    """How a model is served. Times in seconds, sizes in bytes.

    Raises InputError for a name that there is not, and for a value that cannot be.
    """

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(default=8348, ge=0, le=65535, description="port to listen on; 0 takes any")
    token: str | None = Field(
        default=None,
        pattern=r"^[!-~]{8,500}$",
        repr=False,
        description="what requests must bring as `Authorization: Bearer TOKEN`, 8 characters or "
        "more, without blanks",
    )
    names: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="host names that requests may use; none: on this machine its own, else any",
    )
    framed_by: str = Field(
        default="'none'", pattern=r"^[!-:<-~ ]+$", description="sites that may frame the page"
    )
    allow_private: bool = Field(
        default=False, description="fetch addresses from private networks and any port"
    )
    max_bytes: int = Field(default=20_000_000, gt=0, description="of one picture")
    max_request: int = Field(default=50_000_000, gt=0, description="of all pictures of a request")
    max_held: int = Field(default=400_000_000, gt=0, description="of all requests together")
    max_pixels: int = Field(default=50_000_000, gt=0, description="pixels of a picture")
    max_files: int = Field(default=32, ge=1, description="pictures of a request")
    body_seconds: float = Field(default=20.0, gt=0, description="for a whole body to arrive")
    header_seconds: float = Field(default=10.0, gt=0, description="for a header to arrive")
    decode_seconds: float = Field(default=10.0, gt=0, description="for one picture to be decoded")
    fetch_seconds: float = Field(default=20.0, gt=0, description="for one address to be fetched")
    fetches: int = Field(default=16, ge=1, description="addresses fetched at the same time")
    waiting: int = Field(default=128, ge=1, description="pictures in work before 503 is answered")
    batch: int = Field(default=16, ge=1, le=256, description="pictures that are asked together")
    batch_seconds: float = Field(default=0.003, ge=0, description="that a batch waits for others")
    processes: int | None = Field(default=None, ge=1, description="that decode; one a core")
    threads: int | None = Field(default=None, ge=1, description="of the network; one a core")

    @property
    def local(self) -> bool:
        """Whether this machine alone can reach it."""
        return self.host in LOOPBACK


def token_in(path: Path) -> str:
    """The token that a file holds. Raises InputError when it cannot be read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or "it is no text"
        raise InputError(
            f"The token in {path} cannot be read: {said}.", "Name a file that holds it, alone."
        ) from error
