"""A local server with the routes of the Hub that huggingface_hub uses; it can be made to lie."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "c0ffee" * 6 + "c0ff"
REPO = "ada/digits"


class Handler(BaseHTTPRequestHandler):
    server: "FakeHub"

    def do_GET(self):
        hub, path = self.server, unquote(urlsplit(self.path).path)
        hub.asked.append(f"GET {path}")
        if hub.stalls:
            hub.ended.wait(5)
            return None
        if hub.status != 200:
            return self.answer({"error": "as told"}, hub.status)
        if found := re.fullmatch(rf"/api/models/{REPO}(?:/revision/(.*))?", path):
            return self.information(found[1])
        name = path.removeprefix(f"/{REPO}/resolve/{COMMIT}/")
        return self.body(hub.files[name]) if name in hub.files else self.answer({}, 404)

    def information(self, revision: str | None):
        hub = self.server
        if not hub.exists:
            return self.answer({"error": "not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        if revision not in (None, "main", "v1"):
            return self.answer({"error": "not found"}, 404, {"X-Error-Code": "RevisionNotFound"})
        siblings = [
            {"rfilename": name, "size": hub.said.get(name, len(content)), "blobId": "0" * 40}
            | (
                {"lfs": _digest(hub.digests.get(name, content))}
                if name.endswith(".safetensors")
                else {}
            )
            for name, content in hub.files.items()
        ]
        return self.answer(
            {"id": REPO, "sha": COMMIT, "private": hub.private, "siblings": siblings}
        )

    def do_POST(self):
        hub, path = self.server, unquote(urlsplit(self.path).path)
        hub.asked.append(f"POST {path}")
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if hub.status != 200:
            return self.answer({"error": "as told"}, hub.status)
        if path == "/api/repos/create":
            hub.private = (
                hub.private if hub.exists else json.loads(content).get("visibility") == "private"
            )
            status, hub.exists = 409 if hub.exists else 200, True
            return self.answer({"url": f"{hub.address}/{REPO}"}, status)
        if path == f"/api/models/{REPO}/preupload/main":
            return self.answer(
                {"files": [_mode(file["path"]) for file in json.loads(content)["files"]]}
            )
        if path == f"/{REPO}.git/info/lfs/objects/batch":
            upload = {"upload": {"href": f"{hub.address}/lfs"}}
            return self.answer(
                {
                    "objects": [
                        {**file, "actions": upload} for file in json.loads(content)["objects"]
                    ]
                }
            )
        if path == f"/api/models/{REPO}/commit/main":
            for line in content.splitlines():
                hub.apply(**json.loads(line))
            return self.answer(
                {"commitUrl": f"{hub.address}/{REPO}/commit/{COMMIT}", "commitOid": COMMIT}
            )
        return self.answer({})  # of the card's header: nothing to complain about

    def do_PUT(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.large[hashlib.sha256(content).hexdigest()] = content
        self.answer({})

    def answer(self, what: dict, status: int = 200, headers: dict | None = None):
        self.body(
            json.dumps(what).encode(),
            status,
            {"Content-Type": "application/json"} | (headers or {}),
        )

    def body(self, content: bytes, status: int = 200, headers: dict | None = None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def _digest(content: bytes) -> dict:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}


def _mode(path: str) -> dict:
    return {
        "path": path,
        "uploadMode": "lfs" if path.endswith(".safetensors") else "regular",
        "shouldIgnore": False,
    }


class FakeHub(ThreadingHTTPServer):
    """One repository.

    Attributes:
        files: What it serves.
        said: Sizes that it announces instead of the true ones.
        digests: Contents whose digest it announces instead of the true one.
        asked: Every request.
        header: Header of the last commit.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.files: dict[str, bytes] = {}
        self.said: dict[str, int | None] = {}
        self.digests: dict[str, bytes] = {}
        self.large: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.header: dict[str, str] = {}
        self.exists, self.private, self.stalls, self.status = True, False, False, 200
        self.ended = threading.Event()

    def apply(self, key: str, value: dict) -> None:
        """One line of a commit."""
        if key == "header":
            self.header = value
        elif key == "file":
            self.files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            self.files[value["path"]] = self.large[value["oid"]]
        elif key == "deletedFile":
            del self.files[value["path"]]

    def hold(self, folder) -> None:
        """Serve the files of a folder."""
        self.files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    def handle_error(self, request, client_address):
        """Clients that hang up early are part of the tests."""


@pytest.fixture
def fake_hub(monkeypatch, tmp_path_factory):
    constants = pytest.importorskip("huggingface_hub.constants")
    with FakeHub() as hub:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("HF_TOKEN", "hf_nobody")
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            hub.address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        for name, value in {
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_DISABLE_TELEMETRY": True,
            "HF_HUB_DOWNLOAD_TIMEOUT": 0.2,
        }.items():
            monkeypatch.setattr(constants, name, value)
        cache = tmp_path_factory.mktemp("hub-cache")
        monkeypatch.setattr(
            constants, "AGENT_HARNESSES_PATH", str(cache / "none.json"), raising=False
        )
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,))
        thread.start()
        yield hub
        hub.ended.set()
        hub.shutdown()
        thread.join()
