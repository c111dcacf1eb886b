"""A Ray cluster of nodes with a core each, on this machine's loopback."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ray.cluster_utils import Cluster

PATIENCE = 240  # seconds that a shared machine may take for anything
_TRIES = 4
_HELPERS = (
    *("metrics_agent_port", "metrics_export_port"),
    *("dashboard_agent_listen_port", "runtime_env_agent_port"),
)


@contextlib.contextmanager
def cluster_of(number: int) -> Iterator[Cluster]:
    """Start so many nodes; others may come and go until the block ends.

    Ray reads the environment when it is imported: this process must not have done so before.
    """
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # it keeps to the loopback
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": os.environ.get("RAY_AUTH_TOKEN") or secrets.token_hex(32),
    }
    cluster = _started(number)
    try:
        assert cluster.address.startswith("127.0.0.1:")
        yield cluster
    finally:
        cluster.shutdown()


def _started(number: int) -> Cluster:
    """Try more than once: Ray waits for its own parts for some seconds, however busy a machine."""
    from ray.cluster_utils import Cluster

    for tries in itertools.count(1):
        cluster = Cluster()
        try:
            for _ in range(number):
                cluster.add_node(
                    wait=False,
                    include_dashboard=False,
                    include_log_monitor=False,
                    **_free_ports(),
                )
            cluster.wait_for_nodes(timeout=PATIENCE)
        except Exception:
            cluster.shutdown()
            if tries == _TRIES:
                raise
        else:
            return cluster
    raise AssertionError


def _free_ports() -> dict[str, int]:
    """Give ports for a node's helpers: Ray waits only 15 s for those that they choose."""
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in _HELPERS]
        return {name: one.getsockname()[1] for name, one in zip(_HELPERS, taken, strict=True)}
