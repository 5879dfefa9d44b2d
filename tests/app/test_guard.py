"""Who may ask the server for what: other programs, other pages and other names of this machine get nothing."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from helpers.report_clips import make_results

from roadseg.app.results import Results
from roadseg.overlay.totals import read_summary

pytestmark = [pytest.mark.timeout(120), pytest.mark.extra("starlette", "uvicorn")]


class Client:
    """Requests byte for byte, as no browser would send them."""

    def __init__(self, address):
        parts = urlsplit(address)
        self.host, self.base = parts.netloc, parts.path
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)

    def ask(self, path, *, method="GET", body=None, **headers):
        """(status, headers, body) of a request."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def post(self, name, value, **headers):
        headers = {"Content_Type": "application/json", **headers}
        return self.ask(self.base + name, method="POST", body=json.dumps(value), **headers)


@pytest.fixture
def client(server):
    client = Client(server.address)
    yield client
    client.connection.close()


def test_only_the_address_with_the_token_answers(server, client):
    assert len(server.token) == 32 and client.base == f"/{server.token}/"
    status, headers, body = client.ask(client.base)
    assert status == 200 and b"Choose a video" in body
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert (headers["Referrer-Policy"], headers["X-Content-Type-Options"]) == ("no-referrer", "nosniff")
    wrong = ["/", "//", "/app.js", f"/{server.token[:-1]}/", f"/{server.token}x/", f"/x/{server.token}/", "/%C3%A9/"]
    for path in wrong:
        status, headers, body = client.ask(path)
        assert status == 403, path
        assert server.token.encode() not in body and not headers["Access-Control-Allow-Origin"]


@pytest.mark.parametrize("host", ["roadseg.example", "127.0.0.1.example", "[::1", "10.0.0.1", "", "localhost@example"])
def test_other_names_that_lead_to_this_machine_get_nothing(client, host):
    assert client.ask(client.base, Host=host)[0] == 403
    assert client.ask(client.base, Host=f"{host}:{client.host.rpartition(':')[2]}")[0] == 403
    assert client.ask(client.base, Host="localhost:1")[0] == 200  # through a tunnel of ssh


def test_a_request_that_changes_something_comes_from_the_page_itself(server, client):
    want = {"path": str(server.session.library.folder)}
    assert client.post("open", want)[0] == 200
    assert client.post("open", want, Origin=f"http://{client.host}")[0] == 200
    for origin in ("http://roadseg.example", "null", f"https://{client.host}"):
        assert client.post("open", want, Origin=origin)[0] == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert client.post("open", want, Content_Type=kind)[0] == 403
    assert client.post("open", {"path": "x" * 200_000})[0] == 403
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
        status, headers, _ = client.ask(client.base + "open", method=method, Origin="http://roadseg.example")
        assert status == 403 and not headers["Access-Control-Allow-Origin"]
    assert client.ask(f"/{'x' * 32}/stop", method="POST", body="{}", Content_Type="application/json")[0] == 403
    assert client.ask(client.base + "open")[0] == 405


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("open", {"path": ""}, "no path"),
        ("open", {"path": "/no/such.mp4"}, "/no/such.mp4: no such file"),
        ("open", {}, "request: path"),
        ("preview", {"video": 99, "run": "tiny", "seconds": 0, "look": {}}, "this video is not in the list"),
        ("preview", {"video": 1, "run": "tiny", "seconds": 0, "look": {"palette": "/x"}}, "request: look.palette"),
        ("preview", {"video": 1, "run": "../x", "seconds": 0, "look": {}}, "../x: no such weights"),
        ("overlay", {"video": 1, "run": "tiny", "look": {}, "out": "/tmp"}, "request: unknown key 'out'"),
        ("adapt", {"videos": [], "minutes": 1}, "request: videos"),
        ("resume", {"run": "none"}, "none: no such weights"),
    ],
)
def test_a_wrong_request_is_answered_in_two_lines(client, name, value, said):
    status, _, body = client.post(name, value)
    answer = json.loads(body)
    assert status == 400 and answer["cause"].startswith(said) and answer["remedy"]


def test_files_of_results_are_served_in_ranges_and_no_others(server, client, tmp_path):
    files = make_results(tmp_path / "drive #1.mp4", tmp_path / "made")
    (tmp_path / "made" / "secret.txt").write_text("secret")
    number = server.session.results.add(files, read_summary(files.frames), "drive #1.mp4")
    results = f"{client.base}results/{number}"
    video = files.overlay.read_bytes()
    status, headers, body = client.ask(f"{results}/drive%20%231.overlay.mp4")
    assert (status, headers["Content-Type"], body) == (200, "video/mp4", video)
    status, headers, body = client.ask(f"{results}/drive%20%231.overlay.mp4", Range="bytes=100-299")
    assert (status, body) == (206, video[100:300])
    assert headers["Content-Range"] == f"bytes 100-299/{len(video)}"
    for path in (
        f"{results}/secret.txt",
        f"{results}/..%2Fmade%2Fsecret.txt",
        f"{results}/%2e%2e/made/secret.txt",
        f"{results}/../../../../etc/passwd",
        f"{results}/%2Fetc%2Fpasswd",
        f"{client.base}results/{number + 1}/drive%20%231.overlay.mp4",
        f"{client.base}results/-1/x",
        f"{client.base}runs/tiny/model.safetensors",
        f"{client.base}runs/tiny/..%2Ftiny%2Fmodel.safetensors",
        f"{client.base}videos/99x/thumbnail",
    ):
        status, _, body = client.ask(path)
        assert status == 404 and b"secret" not in body and b"root:" not in body, path


def test_a_result_that_became_a_link_is_not_served(tmp_path):
    files = make_results(tmp_path / "drive.mp4", tmp_path / "made")
    (tmp_path / "secret.txt").write_text("secret")
    results = Results()
    number = results.add(files, read_summary(files.frames), "drive.mp4")
    assert results.file(number, files.overlay.name) == files.overlay
    files.overlay.unlink()
    files.overlay.symlink_to(tmp_path / "secret.txt")
    assert results.file(number, files.overlay.name) is None
    assert results.file(number, files.summary.name) == files.summary
