"""The page's files over HTTP: what is served, to whom, and under which rules for the browser."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import httpx
import pytest

import server.page
from server.page.files import STATIC
from tests.conftest import Serve

LIBRARIES = Path(server.page.__file__).parent / "libraries"
OWN = [path for path in STATIC.rglob("*.js") if "vendor" not in path.parts]


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/page/style.css", "/page/favicon.svg"])
def test_files_have_their_type_and_strict_rules_for_the_browser(server_url: str, path: str) -> None:
    response = httpx.get(server_url + path)
    assert response.status_code == 200
    kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    assert response.headers["content-type"].startswith(kind.get(Path(path).suffix, "text/html"))
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "require-trusted-types-for 'script'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in response.headers


def test_a_file_that_has_not_changed_is_not_sent_again(server_url: str) -> None:
    first = httpx.get(f"{server_url}/page/style.css", headers={"accept-encoding": "identity"})
    assert first.headers["cache-control"] == "no-cache"
    again = httpx.get(
        f"{server_url}/page/style.css", headers={"if-none-match": f"W/{first.headers['etag']}"}
    )
    assert again.status_code == 304 and not again.content
    with httpx.stream("GET", f"{server_url}/page/style.css") as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())) == first.content


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/..%2f..%2fkey_check.py",
        "/page/%2e%2e/__init__.py",
        "/page//etc/passwd",
        "/page/static/app.js",
        "/page/vendor/../../files.py",
        "/page/",
    ],
)
def test_nothing_but_the_files_of_the_page_is_served(server_url: str, path: str) -> None:
    host, port = server_url.removeprefix("http://").split(":")
    # httpx would tidy the path before it is sent.
    with httpx.Client() as client:
        url = httpx.URL(scheme="http", host=host, port=int(port), raw_path=path.encode())
        response = client.get(url)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_the_page_opens_without_a_key_and_nothing_else_does(serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    keys.write_text("keys: []\n", encoding="utf-8")
    url = serve(server__keys_file=keys)
    assert httpx.get(url).status_code == 200
    assert httpx.get(f"{url}/page/app.js").status_code == 200
    for path in ("/v1/me", "/v1/rubric", "/docs", "/page", "/pages/", "/v1/page/x"):
        assert httpx.get(url + path).status_code == 401, path


def test_me_says_who_calls(server_url: str) -> None:
    me = httpx.get(f"{server_url}/v1/me").json()
    assert (me["object"], me["name"], me["role"]) == ("plumbline.caller", "", "admin")
    assert (me["labels"], me["keys"], me["metrics"]) == ([], False, True)


def test_the_rubric_holds_the_words_and_weights_of_what_a_verdict_names(server_url: str) -> None:
    body = {"prompt": "How do I reset my password?", "completion": "Press the button."}
    (verdict,) = httpx.post(f"{server_url}/v1/judge", json=body).json()["answers"]
    rubric = httpx.get(f"{server_url}/v1/rubric").json()
    assert rubric["version"] == verdict["rubric_version"]
    weights = rubric["response_types"][next(iter(verdict["response_type"]))]["weights"]
    known = set(rubric["propositions"]) | set(rubric["derived"])
    assert set(verdict["propositions"]) <= known and set(weights) <= known
    assert all(one["wording"]["zh"] for one in rubric["propositions"].values())


def test_libraries_are_what_npm_published_under_the_versions_in_the_lock() -> None:
    locked = json.loads((LIBRARIES / "package-lock.json").read_text("utf-8"))["packages"]
    noted = json.loads((LIBRARIES / "vendored.json").read_text("utf-8"))
    assert {one["name"] for one in noted} == {path.name for path in (STATIC / "vendor").iterdir()}
    for one in noted:
        content = (STATIC / "vendor" / one["name"]).read_bytes()
        digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
        assert digest == one["sha384"], f"{one['name']} is not what `make page-libraries` copies"
        assert locked[f"node_modules/{one['package']}"]["version"] == one["version"]
    assert not any("resolved" in one for one in locked.values()), "no hosts in lock files"


def test_every_import_names_a_file_that_is_there() -> None:
    for path in OWN:
        for name in re.findall(r'(?:from|import) "(\./[^"]+|\.\./[^"]+)"', path.read_text("utf-8")):
            assert (path.parent / name).resolve().is_file(), f"{path.name} imports {name}"


def test_no_module_makes_html_of_text_or_knows_another_host() -> None:
    for path in OWN:
        source = path.read_text("utf-8")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "localStorage.setItem(key",
        ):
            assert forbidden not in source, f"{path.name}: {forbidden}"
        assert not re.search(r"https?://[\w.]", source), path.name
        assert len(source.splitlines()) < 250 or "i18n" in path.parts, f"{path.name} is too long"
