"""Client of the demo page's endpoints."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode


class Browser:
    """Sends the requests of one member's page."""

    def __init__(self, url: str, member: str) -> None:
        self.url, self.member = url, member

    def get(self, path: str, **query: str) -> Any:
        parameters = urlencode({"member": self.member, **query})
        with urllib.request.urlopen(f"{self.url}{path}?{parameters}", timeout=5) as response:
            return json.load(response)

    def act(self, name: str, /, **fields: Any) -> Any:
        return self.post(f"/page/{name}", **fields)

    def post(self, path: str, /, **fields: Any) -> Any:
        body = json.dumps({"member": self.member, **fields}).encode()
        headers = {"Content-Type": "application/json", "Origin": self.url}
        request = urllib.request.Request(f"{self.url}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=5) as response:
            return json.load(response)


def status(url: str, **headers: str) -> int:
    """Return the status of a GET request."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as ok:
            return int(ok.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
