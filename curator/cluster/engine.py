"""Ray, which runs tasks on the cores of a cluster: the one module that imports it.

Ray is asked for little: to run a function somewhere, once more where that failed, to say when it
has ended, and to keep what many tasks are given. Ray has no authentication of its own unless its
tokens are used: a cluster belongs into a private network. The one that is started here listens on
the loopback alone, and asks for a token.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from curator.errors import CuratorError, JobError, PackageMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TICK = 0.2  # seconds that ended work is waited for, between looks at the cancel flag
_GRACE = 5.0  # seconds that cancelled tasks are waited for, to tidy up
_TRIES = 2  # of a task, whether its machine died or it failed
_STARTS = 3  # of a Ray of our own
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}


Work = TypeVar("Work")
Result = TypeVar("Result")


class Lost(str):
    """Why nothing came of some work, in a line."""

    __slots__ = ()


class Engine(Generic[Work, Result]):
    """Runs ``function`` on the cluster at ``address``; "": on this machine's cores, started for it.

    It is called with some work, and with what was kept for it. Work and results travel as pickles,
    so both are types of this package. Where the caller's program has connected to a cluster
    already, that one is used and kept. Raises PackageMissing without Ray, JobError where no cluster
    answers.
    """

    def __init__(self, address: str, function: Callable[..., Result]) -> None:
        self._address = address
        self._work = function
        self._stack = contextlib.ExitStack()
        self._running: dict[Any, Work] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._ray = self._connected(stack)
            stack.callback(self._cancel)
            self._function = self._ray.remote(
                num_cpus=1,
                max_retries=_TRIES - 1,
                retry_exceptions=True,
                scheduling_strategy="SPREAD",
            )(self._work)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def cores(self) -> int:
        """Of all machines together, now: some may come and go."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def keep(self, value: object) -> Any:
        """Keep a value in the cluster's memory as long as the answer, which stands for it, lives.

        Tasks read its arrays where they lie, and cannot change them.
        """
        return self._ray.put(value)

    def submit(self, work: Work, *kept: Any) -> None:
        """Have some work done, with what :meth:`keep` gave."""
        self._running[self._function.remote(work, *kept)] = work

    def finished(self, seconds: float) -> Iterator[tuple[Work, Result | Lost]]:
        """Wait for some work to end, at most so long; give it, and what came of it."""
        references = list(self._running)
        done, _ = self._ray.wait(references, num_returns=1, timeout=seconds)
        for reference in done:
            work = self._running.pop(reference)
            try:
                result = self._ray.get(reference)
            except Exception as error:  # noqa: BLE001 -- whatever a task or its machine died of
                yield work, Lost(_told(error))
            else:
                yield work, result

    def _connected(self, stack: contextlib.ExitStack) -> Any:
        alone = {} if self._address else _alone()
        stack.enter_context(_environment({**_QUIET, **alone}))
        try:
            import ray
        except ImportError as error:
            raise PackageMissing(
                f"A cluster needs the package ray, which is not installed: {error}.",
                "Install it with: pip install 'image-curator[cluster]'",
            ) from error
        if ray.is_initialized():
            return ray
        try:
            self._start(ray)
        except Exception as error:
            where = self._address or "this machine"
            fix = (
                "Start it with `ray start --head` there, with the same versions of Python, Ray and "
                "the curator, and name it as HOST:PORT."
                if self._address
                else "Close other programs and run it again."
            )
            raise JobError(f"Ray did not start on {where}: {_told(error)}", fix) from error
        stack.callback(ray.shutdown)
        return ray

    def _start(self, ray: Any) -> None:
        # Ray hands its workers the current folder to import from: this package's, not the user's.
        with contextlib.chdir(Path(__file__).parents[2]):
            for tries in itertools.count(1):
                try:
                    ray.init(
                        address=self._address or "local",
                        include_dashboard=None if self._address else False,
                        log_to_driver=False,
                        logging_level=logging.ERROR,
                    )
                except Exception:
                    ray.shutdown()
                    # A busy machine may need longer than the 30 s that Ray waits for its own parts.
                    if self._address or tries == _STARTS:
                        raise
                else:
                    return

    def _cancel(self) -> None:
        """End what is under way, which then removes what it wrote on its machine."""
        references = list(self._running)
        if not references:
            return
        for reference in references:
            self._ray.cancel(reference)
        self._ray.wait(references, num_returns=len(references), timeout=_GRACE)


@functools.cache
def _alone() -> dict[str, str]:
    """What keeps a Ray of our own to the loopback, and to who has its token.

    Ray reads it once, when it is imported: a program that has done so itself decides for itself.
    """
    if "ray" in sys.modules:
        return {}
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # of any system: 0 is the loopback alone
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }


def _told(error: BaseException) -> str:
    """Why a task failed, in a line."""
    cause = getattr(error, "cause", None) or error
    said = str(cause).strip() if isinstance(cause, CuratorError) else ""
    if not said:
        lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
        said = f"{type(cause).__name__}: {lines[0] if lines else 'no more is known'}"
    return said[:500]


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables that Ray reads, and hands to the processes it starts; as before afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
