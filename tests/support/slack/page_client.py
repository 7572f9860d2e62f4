"""Client of the demo page's endpoints."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode


class Browser:
    """Asks as the page does, as one member."""

    def __init__(self, url: str, member: str) -> None:
        self.url, self.member = url, member

    def get(self, path: str, **query: str) -> Any:
        asked = urlencode({"member": self.member, **query})
        with urllib.request.urlopen(f"{self.url}{path}?{asked}", timeout=5) as answer:
            return json.load(answer)

    def act(self, name: str, /, **asked: Any) -> Any:
        return self.post(f"/page/{name}", **asked)

    def post(self, path: str, /, **asked: Any) -> Any:
        body = json.dumps({"member": self.member, **asked}).encode()
        headers = {"Content-Type": "application/json", "Origin": self.url}
        request = urllib.request.Request(f"{self.url}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


def status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as ok:
            return int(ok.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
