"""A small client for WebDriver, and the two browsers that the tests drive with it.

Playwright drives builds of its own of Firefox and WebKit; these are the ones that Debian ships.
Firefox takes the commands as JSON over a socket (its Marionette protocol), WebKit over HTTP from
WebKitWebDriver. Both are so simple that they need no library, and Firefox no geckodriver.
"""

import base64
import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NamedTuple, Protocol

import httpx

from tests.support.ports import free_port
from tests.support.processes import terminating
from tests.support.waiting import PATIENCE_S, wait_until

SCREEN = (1400, 2000)
NOWHERE = "127.0.0.1:1"
"""The proxy for every host but this one: nothing that a browser asks for by itself leaves here."""

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element, by the specification
_SHOWN = """
const order = XPathResult.ORDERED_NODE_SNAPSHOT_TYPE;
const found = document.evaluate(arguments[0], document, null, order);
const all = Array.from({ length: found.snapshotLength }, (_, i) => found.snapshotItem(i));
const shown = all.filter((each) => each.getClientRects().length > 0);
"""
_LINES = f"""
{_SHOWN}
const range = document.createRange();
range.selectNodeContents(shown[0]);
return new Set(Array.from(range.getClientRects(), ({{ top }}) => Math.round(top))).size;
"""
_CLICK = f"""
{_SHOWN}
if (shown.length === 0) return false;
shown[0].scrollIntoView({{ block: "center" }});
const {{ left, top, width, height }} = shown[0].getBoundingClientRect();
const isOnTop = shown[0].contains(document.elementFromPoint(left + width / 2, top + height / 2));
if (isOnTop) shown[0].click();
return isOnTop;
"""


class Connection(Protocol):
    """Sends commands to a browser."""

    def send(self, command: str, **parameters: Any) -> Any:
        """Send one command and return its value; raise WebDriverError."""
        ...


class WebDriverError(Exception):
    """A command that the browser refused; the text begins with WebDriver's name of the error."""


class Marionette:
    """A connection to Firefox."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._stream = self._socket.makefile("rb")
        self._count = 0
        self._read()  # the greeting

    def send(self, command: str, **parameters: Any) -> Any:
        """Send one command and return its value; raise WebDriverError."""
        self._count += 1
        name = command if ":" in command else f"WebDriver:{command}"
        message = json.dumps([0, self._count, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        if error:
            raise WebDriverError(f"{error['error']}: {error['message']} ({command})")
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def zoom(self, factor: int) -> None:
        """Show pages larger."""
        self.send("Marionette:SetContext", value="chrome")
        script = "gBrowser.selectedBrowser.fullZoom = arguments[0]"
        self.send("ExecuteScript", script=script, args=[factor])
        self.send("Marionette:SetContext", value="content")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            if not byte:
                raise WebDriverError("the browser closed the connection")
            length += byte
        return json.loads(self._stream.read(int(length)))


class HttpDriver:
    """A connection to a driver that serves WebDriver over HTTP."""

    _PATHS: ClassVar = {
        "NewSession": ("POST", ""),
        "DeleteSession": ("DELETE", ""),
        "Navigate": ("POST", "/url"),
        "GetCurrentURL": ("GET", "/url"),
        "Back": ("POST", "/back"),
        "Refresh": ("POST", "/refresh"),
        "SetWindowRect": ("POST", "/window/rect"),
        "TakeScreenshot": ("GET", "/screenshot"),
        "SwitchToFrame": ("POST", "/frame"),
        "ElementClick": ("POST", "/element/{id}/click"),
        "ElementSendKeys": ("POST", "/element/{id}/value"),
        "ExecuteScript": ("POST", "/execute/sync"),
        "ExecuteAsyncScript": ("POST", "/execute/async"),
    }

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S)
        self._session = "/session"

    def is_ready(self) -> bool:
        """Return whether the driver answers."""
        with contextlib.suppress(httpx.TransportError):
            return bool(self._client.get("/status").json()["value"]["ready"])
        return False

    def send(self, command: str, **parameters: Any) -> Any:
        """Send one command and return its value; raise WebDriverError."""
        method, path = self._PATHS[command]
        place = self._session + path.format(**parameters)
        body = parameters if method == "POST" else None
        response = self._client.request(method, place, json=body)
        value = response.json()["value"]
        if response.is_error:
            raise WebDriverError(f"{value['error']}: {value['message']} ({command})")
        if command == "NewSession":
            self._session = f"/session/{value['sessionId']}"
        return value

    def close(self) -> None:
        self._client.close()


class Rectangle(NamedTuple):
    """The place and the size of an element."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Window:
    """A browser's one window; elements are named by XPath, and only those that are shown count."""

    name: str
    connection: Connection

    def open(self, url: str) -> None:
        self.connection.send("Navigate", url=url)

    @property
    def url(self) -> str:
        url: str = self.connection.send("GetCurrentURL")
        return url

    def press_escape(self) -> None:
        """Press Escape in the current document, by script.

        Without a window manager WebKit's window has no focus, and its driver types into none.
        """
        self.run(
            "document.body.dispatchEvent("
            "new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))"
        )

    def back(self) -> None:
        """Press the browser's Back button."""
        self.connection.send("Back")

    def reload(self) -> None:
        self.connection.send("Refresh")

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function in the current document, and return what it returns."""
        return self.connection.send("ExecuteScript", script=script, args=list(arguments))

    def wait(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function whose last argument takes the result; return that."""
        return self.connection.send("ExecuteAsyncScript", script=script, args=list(arguments))

    @contextlib.contextmanager
    def frame(self, xpath: str) -> Iterator[None]:
        """Work in a frame until the block ends."""
        element = self.find(xpath)
        # One of the two names is WebDriver's, the other Marionette's.
        self.connection.send("SwitchToFrame", id={_ELEMENT: element}, element=element)
        try:
            yield
        finally:
            self.connection.send("SwitchToFrame", id=None)

    def find(self, xpath: str) -> str:
        """Wait for an element that is shown, and return its reference."""
        found: list[dict[str, str]] = []
        wait_until(lambda: found.extend(self.run(f"{_SHOWN} return shown", xpath)) or found)
        return found[0][_ELEMENT]

    def is_shown(self, xpath: str) -> bool:
        """Return whether there is such an element, and it is shown, now."""
        return bool(self.run(f"{_SHOWN} return shown.length > 0", xpath))

    def click(self, xpath: str) -> None:
        """Wait until nothing covers the middle of an element, and click it.

        By script: WebKit's window moves when a download begins, and a click would miss.
        """
        wait_until(lambda: self.run(_CLICK, xpath))

    def tap(self, xpath: str) -> None:
        """Click an element as a person does; Back skips what a script alone adds to the history."""
        self.connection.send("ElementClick", id=self.find(xpath))

    def type(self, xpath: str, text: str) -> None:
        """Type into an element, or choose the files at these paths, one per line."""
        self.connection.send("ElementSendKeys", id=self.find(xpath), text=text)

    def text(self, xpath: str) -> str:
        """Return the text of the first such element that is shown, "" if there is none."""
        text: str = self.run(f"{_SHOWN} return shown[0]?.innerText ?? ''", xpath)
        return text

    def rectangle(self, xpath: str) -> Rectangle:
        """Return where an element is in the current document's window, in CSS pixels."""
        script = f"{_SHOWN} const box = shown[0].getBoundingClientRect();"
        script += "return [box.left, box.top, box.width, box.height];"
        return Rectangle(*self.run(script, xpath))

    def lines(self, xpath: str) -> int:
        """Return on how many lines the text of an element is."""
        lines: int = self.run(_LINES, xpath)
        return lines

    def attribute(self, xpath: str, name: str) -> str | None:
        """Return an attribute of the first such element that is shown; None if it has none."""
        value: str | None = self.run(
            f"{_SHOWN} return shown[0].getAttribute(arguments[1])", xpath, name
        )
        return value

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as a PNG; for people."""
        path.write_bytes(base64.b64decode(self.connection.send("TakeScreenshot", full=False)))

    def resize(self, width: int, height: int) -> None:
        """Change the size of the window, with its frame, in CSS pixels.

        No window of Firefox is as narrow as a phone, so there the page is zoomed in.
        """
        zoom = 1
        if isinstance(self.connection, Marionette):
            zoom = 4 if width < _FIREFOX_LEAST_WIDTH else 1
            self.connection.zoom(zoom)
        self.connection.send("SetWindowRect", width=zoom * width, height=zoom * height)


_FIREFOX_LEAST_WIDTH = 500
_FIREFOX_SETTINGS = {
    "marionette.port": 0,
    "intl.accept_languages": "en-GB",
    "network.proxy.type": 1,
    "network.proxy.http": NOWHERE.partition(":")[0],
    "network.proxy.http_port": 1,
    "network.proxy.ssl": NOWHERE.partition(":")[0],
    "network.proxy.ssl_port": 1,
}


@contextlib.contextmanager
def run_firefox(program: str) -> Iterator[Window]:
    """Run Firefox with a profile of its own until the block ends."""
    with TemporaryDirectory(prefix="unseen-firefox-") as folder:
        profile = Path(folder)
        settings = (
            f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in _FIREFOX_SETTINGS.items()
        )
        (profile / "user.js").write_text("".join(settings), "utf-8")
        command = [program, "--marionette", "--headless", "--no-remote", "--profile", folder]
        command.append("--remote-allow-system-access")  # to zoom
        with _running(command, HOME=folder):
            port = profile / "MarionetteActivePort"
            wait_until(lambda: port.exists() and port.read_text("utf-8"))
            connection = Marionette(int(port.read_text("utf-8")))
            connection.send("NewSession", capabilities={})
            yield Window("firefox", connection)
            connection.send("Marionette:Quit", flags=["eForceQuit"])
            connection.close()


_NARROW_TOOLBAR = "* { min-width: 0; min-height: 0; margin: 0; padding: 0; font-size: 1px; }"
"""The window could otherwise not be as narrow as a phone."""


@contextlib.contextmanager
def run_webkit(program: str) -> Iterator[Window]:
    """Run WebKit's small browser, on a display of its own, until the block ends."""
    browsers = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    arguments = ["--automation", f"--proxy=http://{NOWHERE}", "--ignore-host=127.0.0.1"]
    options = {"binary": str(browsers[-1]), "args": arguments}
    with TemporaryDirectory(prefix="unseen-webkit-") as folder, _display() as display:
        style = Path(folder, ".config", "gtk-3.0", "gtk.css")
        style.parent.mkdir(parents=True)
        style.write_text(_NARROW_TOOLBAR, "utf-8")
        port = free_port()
        with _running(
            [program, f"--port={port}"], HOME=folder, DISPLAY=display, LANG="en_GB.UTF-8"
        ):
            connection = HttpDriver(port)
            wait_until(connection.is_ready)
            wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
            connection.send("NewSession", capabilities=wanted)
            yield Window("webkit", connection)
            connection.send("DeleteSession")
            connection.close()


@contextlib.contextmanager
def _display() -> Iterator[str]:
    """Run an X server without a screen; yield its name."""
    reading, writing = os.pipe()
    width, height = SCREEN
    command = ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp"]
    command += ["-screen", "0", f"{width}x{height}x24"]
    with _running(command, pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as number:
            yield f":{number.readline().strip()}"


@contextlib.contextmanager
def _running(
    command: list[str], pass_fds: list[int] | None = None, **environment: str
) -> Iterator[None]:
    """Run a program, which sees no other environment, until the block ends."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    own = {"PATH": os.environ["PATH"], **environment}
    with terminating(subprocess.Popen(command, env=own, pass_fds=pass_fds or (), **silent)):
        yield


class Browser(NamedTuple):
    """A browser as Debian packages it: the package, and the program in it that WebDriver needs."""

    package: str
    program: str


BROWSERS = {
    "firefox": Browser("firefox-esr", "firefox-esr"),
    "webkit": Browser("webkit2gtk-driver", "WebKitWebDriver"),
}


def run_browser(name: str, program: str) -> AbstractContextManager[Window]:
    """Run a browser of BROWSERS until the block ends."""
    return run_firefox(program) if name == "firefox" else run_webkit(program)
