"""Variables of the environment that are wrong: a message that names the variable, no traceback."""

from pathlib import Path

import pytest
from unseen import Client, InputError, Retry, ServerUnreachableError
from unseen.cli import main
from unseen.http_environment import read_proxy

from .servers import CASE, Act, scripted

PIN = "7K4M-9QTX-2HBD"
STATUS = ("status", "UN-7K4M-9QTX")
ONCE = Retry(attempts=1)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:1080/", "ALL_PROXY names a SOCKS proxy"),
        ("all_proxy", "socks5h://127.0.0.1:1080", "all_proxy names a SOCKS proxy"),
        ("HTTPS_PROXY", "http://", "HTTPS_PROXY is not the URL of a proxy."),
        ("HTTPS_PROXY", "http://ada:secret@proxy:port", "HTTPS_PROXY is not the URL of a proxy."),
        ("https_proxy", "proxy:99999", "https_proxy is not the URL of a proxy."),
        ("HTTPS_PROXY", "http://[::1", "HTTPS_PROXY is not the URL of a proxy."),
        ("HTTPS_PROXY", "ftp://proxy.example", "HTTPS_PROXY is not the URL of a proxy."),
        ("HTTPS_PROXY", "http://proxy..example", "HTTPS_PROXY is not the URL of a proxy."),
        ("HTTPS_PROXY", "http://pro\x01xy", "HTTPS_PROXY is not the URL of a proxy."),
        ("SSL_CERT_FILE", "gone.pem", "The file in SSL_CERT_FILE cannot be read: No such file"),
        ("SSL_CERT_FILE", __file__, "The file in SSL_CERT_FILE holds no certificate."),
        ("SSL_CERT_DIR", "gone", "The folder in SSL_CERT_DIR does not exist."),
        ("SSLKEYLOGFILE", "gone/log", "The file in SSLKEYLOGFILE cannot be written: No such file"),
        ("UNSEEN_PIN", "1234", "UNSEEN_PIN: The PIN has the wrong format."),
    ],
)
def test_an_error_names_the_variable(
    variable: str,
    value: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("UNSEEN_PIN", PIN)
    monkeypatch.setenv(variable, value)
    assert main([*STATUS, "--server", "https://unseen.example"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"unseen: {expected}")
    assert "secret" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    "server",
    [
        *("https://a..b", "https://.", f"https://{'a' * 64}.b", "https://a b", "https://a%00b"),
        *("https://a/?b=c", "https://a#b", "https://[::1", "https://a:b", "ftp://a"),
        "unseen.example",
    ],
)
def test_an_address_that_is_none_names_unseen_server(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNSEEN_PIN", PIN)
    monkeypatch.setenv("UNSEEN_SERVER", server)
    assert main(STATUS) == 2
    assert "unseen: UNSEEN_SERVER: The server's address is not a URL." in capsys.readouterr().err
    monkeypatch.delenv("UNSEEN_SERVER")
    assert main([*STATUS, "--server", server]) == 2
    assert "unseen: The server's address is not a URL." in capsys.readouterr().err


def test_a_cr_at_the_end_of_a_variable_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xef\xbb\xbfunseen_abc\r\n")  # as Windows' Notepad saves it
    file.chmod(0o600)
    with scripted(Act(200, {"generation": 1, "hits": []})) as server:
        monkeypatch.setenv("UNSEEN_SERVER", f"{server.url}\r")
        monkeypatch.setenv("UNSEEN_KEY", "unseen_abc\r")
        assert main(["match", "5a" * 32]) == 0
        assert main(["match", "5a" * 32, "--key-file", str(file)]) == 0
        with Client(server.url, "unseen_abc\r\n") as client:
            client.match(["5a" * 32])
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer unseen_abc"] * 3


def test_a_key_of_other_characters_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["match", "5a" * 32, "--server", "https://unseen.example"]
    monkeypatch.setenv("UNSEEN_KEY", "unseen_abc\rdef")
    assert main(command) == 2
    monkeypatch.delenv("UNSEEN_KEY")
    monkeypatch.setenv("UNSEEN_KEY_FILE", "gone.key\r")
    assert main(command) == 2
    printed = capsys.readouterr().err
    assert "unseen: UNSEEN_KEY has characters that no key has." in printed
    assert "unseen: UNSEEN_KEY_FILE: The key file gone.key" in printed
    assert "abc" not in printed
    with (
        Client("https://unseen.example", "unseen_abc\ndef") as client,
        pytest.raises(InputError, match="has characters that no key has"),
    ):
        client.own_key()


@pytest.mark.parametrize(
    ("no_proxy", "server", "is_direct"),
    [
        ("[fd00::1]", "https://[fd00::1]", True),
        ("fd00::1", "https://[fd00::1]:8443", True),
        ("[fd00::1]:8443", "https://[fd00::1]:8443", True),
        ("[fd00::1]:8443", "https://[fd00::1]", False),
        ("fd00::/8", "https://[fd00::1]", True),
        ("fe80::/10,::1/128, [::", "https://[fd00::1]", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://unseen.example", False),
        ("localhost example", "https://unseen.example", True),
        (".example", "https://Unseen.Example", True),
        ("*.example", "https://unseen.example", True),
        ("een.example", "https://unseen.example", False),
        ("unseen.example:443", "https://unseen.example", True),
        ("unseen.example:80", "https://unseen.example", False),
        ("https://unseen.example", "https://unseen.example", True),
        ("*", "https://unseen.example", True),
        ("", "https://unseen.example", False),
        (",", "https://unseen.example", False),
        ("", "https://localhost", True),
    ],
)
def test_no_proxy_lists_names_domains_addresses_and_networks(
    no_proxy: str, server: str, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (read_proxy(server) is None) == is_direct


def test_a_proxy_is_used_whatever_else_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(Act(200, CASE)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("HTTPS_PROXY", "http://a:b:c")  # of no use for http
        monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "[::1],fe80::/10")
        with Client("http://unseen.example", insecure=True, retry=ONCE) as client:
            client.status("UN-7K4M-9QTX", PIN)
    assert [seen.path for seen in proxy.seen] == ["http://unseen.example/v1/cases/UN-7K4M-9QTX"]


def test_a_proxy_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:secret@127.0.0.1:9")
    with (
        Client("https://unseen.example", retry=ONCE) as client,
        pytest.raises(ServerUnreachableError) as raised,
    ):
        client.status("UN-7K4M-9QTX", PIN)
    assert raised.value.hint.endswith("The connection goes through a proxy: HTTPS_PROXY.")


def test_a_wrong_environment_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from .pictures import fill  # noqa: PLC0415 - the other tests need no image library

    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1")
    statements = ["--adult", "--depicted", "--without-consent"]
    assert main(["submit", "photo.png", *statements, "--server", "https://unseen.example"]) == 1
    assert "ALL_PROXY names a SOCKS proxy" in capsys.readouterr().err
    assert list(tmp_path.glob("unseen-submission-*")) == []
