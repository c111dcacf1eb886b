"""Everything that the dashboard serves, asked without login, by other pages and by other names."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.browser.conftest import Running, running
from tests.security.visiting import WEBSOCKET, Visit, ask, enter, kernel_of, processes, wait_for
from widgets import page_files

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow  # starts a dashboard

# The dashboard, which tells the routes of the application that it really serves.
TELLING = """
import json, sys
from curator.cli import run
from widgets import gate

make = gate.Gate.__init__

def told(self, *arguments, **settings):
    make(self, *arguments, **settings)
    routers = (self.default_router, self.wildcard_router)
    rules = [rule for router in routers for rule in router.rules]
    paths = [
        (rule.matcher.regex.pattern, rule.target.__name__)
        for rule in rules
        if hasattr(rule.matcher, "regex")
    ]
    print("ROUTES", json.dumps(paths), flush=True)

gate.Gate.__init__ = told
sys.exit(run(["dashboard", "--no-browser", "--port", "0"]))
"""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NEEDED = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")


class Served(NamedTuple):
    """A dashboard, a login to it, and its routes as (expression, handler's name)."""

    dashboard: Running
    visit: Visit
    routes: dict[str, str]
    kernel: str

    def samples(self) -> dict[str, str]:
        """Give an address of each route, by its handler and where there are several its place."""
        ends = {
            "Door": "/",
            "Page": self.visit.below,
            "Channels": f"api/kernels/{self.kernel}/channels",
            "Model": f"api/kernels/{self.kernel}",
            "Shutdown": f"voila/api/shutdown/{self.kernel}",
            "Static templates": "voila/templates/curator/static/page.js",
            "Static static": "voila/static/voila.js",
            "Static labextensions": "voila/labextensions/anywidget/package.json",
            "PageFile": f"curator/static/{page_files.version()}/gallery.js",
        }
        return {
            name: end if end.startswith("/") else self.visit.below + end
            for name, end in ends.items()
        }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Start the dashboard and log in."""
    folder = tmp_path_factory.mktemp("routes")
    with running(folder, None, (sys.executable, "-c", TELLING)) as dashboard:
        visit = enter(dashboard)
        said = next(line for line in dashboard.output if line.startswith("ROUTES"))
        routes = dict(json.loads(said.removeprefix("ROUTES ")))
        yield Served(dashboard, visit, routes, kernel_of(visit.page()))


def test_the_table_is_all_that_is_served(served: Served) -> None:
    """Every route of the running application has an address here, and each address its route."""
    unasked = set(served.routes)
    for name, path in served.samples().items():
        matching = {rule for rule in served.routes if re.fullmatch(rule, path)}
        assert {served.routes[rule] for rule in matching} == {name.split()[0]}, name
        unasked -= matching
    assert unasked == set()


def test_nothing_answers_without_login(served: Served) -> None:
    """Each route and each method, with no, a wrong and even the right token: the same refusal."""
    visit = served.visit
    said = set()
    for name, path in served.samples().items():
        for method in METHODS:
            for query, headers in (
                ("", {}),
                ("?token=wrong", {}),
                ("", {"Authorization": f"token {visit.token}"}),
                ("", {"Cookie": visit.cookie.split("=")[0] + "=wrong"}),
                ("", {"Cookie": "curator=" + visit.cookie.split("=")[1]}),
                ("" if name == "Door" else f"?token={visit.token}", {}),
            ):
                answer = ask(visit.port, path + query, method, headers)
                assert answer.status == 403, (name, method, query, headers)
                assert "Set-Cookie" not in answer.headers
                if method != "HEAD":
                    said.add(answer.text)
    assert len(said) == 1  # nothing tells which paths there are


def test_no_websocket_opens_without_login(served: Served) -> None:
    """Every route as a websocket, without the cookie, and with it but from another page."""
    visit = served.visit
    own = {**WEBSOCKET, "Origin": visit.origin}
    for name, path in served.samples().items():
        for headers in (
            WEBSOCKET,
            own,
            {**own, "Authorization": f"token {visit.token}"},
            {**own, "Cookie": "curator=wrong"},
        ):
            query = "" if name == "Door" else f"?token={visit.token}"
            assert ask(visit.port, path + query, headers=headers).status == 403, name
    channels = served.samples()["Channels"]
    for origin in (
        {},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
        {"Origin": f"http://localhost:{visit.port}"},
    ):
        headers = {**WEBSOCKET, "Cookie": visit.cookie, **origin}
        assert ask(visit.port, channels, headers=headers).status == 403, origin
    assert ask(visit.port, channels, headers={**own, "Cookie": visit.cookie}).status == 101


def test_what_voila_and_jupyter_serve_besides_is_gone(served: Served) -> None:
    """The query of a page by its kernel's id, files, logins, lists: not even with the cookie."""
    visit = served.visit
    for path in (
        f"voila/query/{served.kernel}",
        f"voila/execution/{served.kernel}",
        "voila/files/curator.ipynb",
        "voila/files/../widgets/server.py",
        "voila/api/themes/@jupyterlab/theme-light-extension/index.css",
        "login",
        "logout",
        "api/kernels",
        "api/contents",
        "api/terminals",
        "voila/tree",
        "voila/labextensions/jupyterlab_pygments/package.json",
        "voila/static/../../curator/conf.json",
        "voila/templates/lab/static/index.css",
        f"curator/static/{'0' * 16}/gallery.js",
        f"curator/static/{page_files.version()}/types.d.ts",
        f"curator/static/{page_files.version()}/../../panel.py",
        "curator.ipynb",
        "metrics",
    ):
        for below in ("/", visit.below):
            for headers in ({}, WEBSOCKET | {"Origin": visit.origin}):
                answer = ask(visit.port, below + path, headers={"Cookie": visit.cookie, **headers})
                assert answer.status in (403, 404), path
                assert visit.token not in answer.text


def test_the_one_open_route_says_nothing(served: Served) -> None:
    """The door: the right token gives the cookie and leads on; anything else is refused."""
    visit = served.visit
    for query in (
        "",
        "?token=",
        f"?token={visit.token[:-1]}",
        f"?token={visit.token}&token=x",
        f"?Token={visit.token}",
        "?token=%00",
    ):
        answer = ask(visit.port, f"/{query}")
        assert answer.status == 403, query
        assert visit.below not in answer.text
    answer = ask(visit.port, f"/?token={visit.token}")
    assert visit.token not in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    flags = {flag.strip().lower() for flag in answer.headers["Set-Cookie"].split(";")[1:]}
    assert flags == {"httponly", "samesite=strict", f"path={visit.below}"}  # no date: a session's
    assert str(visit.port) in visit.cookie.split("=")[0]


def test_other_names_of_this_machine_are_refused(served: Served) -> None:
    """A page whose DNS was turned to 127.0.0.1 sends its own name as Host."""
    visit = served.visit
    for host in (
        "evil.example",
        f"evil.example:{visit.port}",
        "127.0.0.1",
        f"127.0.0.1:{visit.port + 1}",
        f"127.0.0.1.nip.io:{visit.port}",
        f"[::1]:{visit.port}",
        "",
    ):
        for path in ("/?token=" + visit.token, visit.below):
            answer = ask(visit.port, path, headers={"Host": host, "Cookie": visit.cookie})
            assert answer.status in (400, 403), host
            assert "Set-Cookie" not in answer.headers
    named = ask(
        visit.port, visit.below, headers={"Host": f"localhost:{visit.port}", "Cookie": visit.cookie}
    )
    assert named.status == 200


def test_pages_of_other_ports_are_refused(served: Served) -> None:
    """The browser sends cookies to every port; it says, too, which page asks."""
    visit = served.visit
    other = {"Origin": "http://127.0.0.1:9"}
    beacon = served.samples()["Shutdown"]
    for path, method, headers in (
        (visit.below, "GET", {"Sec-Fetch-Site": "same-site"}),
        (visit.below, "GET", {"Sec-Fetch-Site": "cross-site"}),
        (visit.below, "GET", other),
        (served.samples()["Static static"], "GET", {"Sec-Fetch-Site": "same-site"}),
        (beacon, "POST", {}),
        (beacon, "POST", other),
        (beacon, "POST", {"Origin": "null"}),
        (beacon, "POST", {"Origin": visit.origin, "Sec-Fetch-Site": "same-site"}),
    ):
        answer = ask(visit.port, path, method, {"Cookie": visit.cookie, **headers})
        assert answer.status == 403, (path, headers)
    model = served.samples()["Model"]
    assert ask(visit.port, model, headers={"Cookie": visit.cookie}).status == 200  # still there
    own = {"Cookie": visit.cookie, "Origin": visit.origin}
    kernel = kernel_of(visit.page())
    ended = ask(visit.port, f"{visit.below}voila/api/shutdown/{kernel}", "POST", own)
    assert ended.status == 204
    assert ask(visit.port, f"{visit.below}api/kernels/{kernel}", headers=own).status == 404


def test_every_answer_carries_the_policy(served: Served) -> None:
    """Pages, files and refusals: no other host, no frame, no inline script, no eval."""
    visit = served.visit
    for path in (*served.samples().values(), "/nothing"):
        for cookie in ({}, {"Cookie": visit.cookie}):
            headers = ask(visit.port, path, headers=cookie).headers
            assert [name for name in NEEDED if name not in headers] == [], path
            rules = dict(
                rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; ")
            )
            assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
            assert rules["script-src"] == "'self' blob:"
            assert rules["connect-src"] == f"'self' ws://127.0.0.1:{visit.port}"
            assert "Access-Control-Allow-Origin" not in headers


def test_failures_log_no_token(served: Served) -> None:
    """Of refusals, missing pages and failures inside, with the token wherever it can stand."""
    visit = served.visit
    known = {"Cookie": visit.cookie, "Origin": visit.origin}
    statuses = set()
    for path, method, headers in (
        (f"/nothing?token={visit.token}", "GET", known),
        (f"{visit.below}voila/static/nothing.js?token={visit.token}", "GET", known),
        (f"{visit.below}voila/api/shutdown/abc-def?token={visit.token}", "POST", known),
        (f"{visit.below}api/kernels/{served.kernel[:-4]}0000?token={visit.token}", "GET", known),
        (f"/?token={visit.token}x", "GET", {}),
        (visit.below, "GET", {"Referer": served.dashboard.address}),
        (visit.below, "GET", {"Authorization": f"token {visit.token}"}),
        (f"{visit.below}%ff%zz?token={visit.token}", "GET", known),
    ):
        statuses.add(ask(visit.port, path, method, headers).status)
    # The folder of the kernels' connection files goes: the next one cannot start, its page fails.
    [folder] = {
        Path(said[-2]).parent
        for said in processes().values()
        if any(served.kernel in word for word in said)
    }
    shutil.rmtree(folder)

    def fails() -> bool:
        # One that was starting just then may never answer.
        with contextlib.suppress(TimeoutError):
            page = ask(visit.port, f"{visit.below}?token={visit.token}", headers=known)
            return page.status == 500
        return False

    wait_for(fails, seconds=90)
    assert {403, 404} <= statuses
    said = "\n".join(served.dashboard.output)
    assert said.count(visit.token) == 1  # the address that is printed
    assert visit.cookie.split("=")[1] not in said
