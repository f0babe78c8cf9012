"""Records what FastAPI answers, for `tests/parity.rs` to compare this server with.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python record.py            writes exchanges.txt and openapi.json
    .venv/bin/python record.py --check    compares, and ends with status 1 when something has changed

The head of the recording has the versions and the hashes of the files that it belongs to. Then
come the exchanges, each with a name and a connection of its own:

    > ...     a line of the request, which ends in CR LF
    >|...     a piece of the request that does not
    >:        the client waits for a response before it sends more
    >.        the client closes its side of the connection, and reads to the end
    >*        the client reads all responses to the end of the connection, not only the first
    < 200 OK  the status and its phrase; `closed` if the connection ends without a (final) response
    < ...     a header field; all are recorded but `date`
    <|...     the body

Bytes that are not printable ASCII, and the backslash, are written `\\xNN`, and a byte that comes 100
times or more in a row `\\100*a`. Of an HTML page and of the OpenAPI document only the status and the
type are recorded; the document is in openapi.json. `SELF` is the address of the recorded server.
"""

import difflib
import hashlib
import importlib.metadata
import json
import pathlib
import platform
import re
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
RECORDING = HERE / "exchanges.txt"
DOCUMENT = HERE / "openapi.json"
FORM = "application/x-www-form-urlencoded"
GOOD = b"username=johndoe&password=secret"
CHUNKS = b"20\r\n" + GOOD + b"\r\n0\r\n\r\n"

# What a client does beside sending bytes, as it is written in the recording.
WAIT, FINISH, TO_END = ">:", ">.", ">*"

exchanges: list[tuple[str, list[bytes | str]]] = []


def raw(name, *steps):
    """Adds an exchange: bytes as they are, and what else the client does."""
    exchanges.append((name, list(steps)))


def send(name, method="GET", path="/", headers=(), body=None, version="1.1", host="localhost:8000"):
    """Adds an exchange. A body gets its Content-Length."""
    lines = [f"{method} {path} HTTP/{version}".encode("latin-1")]
    if host is not None:
        lines.append(f"Host: {host}".encode("latin-1"))
    lines += [header if isinstance(header, bytes) else header.encode("latin-1") for header in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}".encode())
    raw(name, b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""))


def form(name, body, content_type=FORM, headers=(), **others):
    body = body if isinstance(body, bytes) else body.encode()
    kind = [] if content_type is None else [f"Content-Type: {content_type}"]
    send(f"token/{name}", "POST", "/token", kind + list(headers), body, **others)


def me(name, *authorization, headers=(), **others):
    lines = [b"Authorization: " + (a if isinstance(a, bytes) else a.encode()) for a in authorization]
    others.setdefault("path", "/users/me")
    send(f"me/{name}", "GET", headers=lines + list(headers), **others)


def logins():
    form("johndoe", GOOD)
    form("alice", "username=alice&password=secret2")
    form("wrong password", "username=johndoe&password=wrong")
    form("unknown user", "username=nobody&password=secret")
    form("password of another user", "username=johndoe&password=secret2")
    form("the hash for a password", "username=johndoe&password=fakehashedsecret")
    form("other case of the name", "username=JohnDoe&password=secret")
    form("space before the name", "username=+johndoe&password=secret")
    form("space after the password", "username=johndoe&password=secret+")
    form("NUL after the name", "username=johndoe%00&password=secret")
    form("CR LF after the body", "username=johndoe&password=secret\r\n")
    form("name of spaces", "username=+++&password=secret")
    for value in ["password", "", None]:
        tail = "&grant_type" + ("" if value is None else f"={value}")
        form(f"grant_type {value}", GOOD + tail.encode())
    form("scope", GOOD + b"&scope=users:read+users:write++items")
    form("scope with tabs and line ends", GOOD + b"&scope=%09a%0A%0Db")
    form("scope empty", GOOD + b"&scope=")
    form("scope repeated", GOOD + b"&scope=a&scope=b")
    form("client_id and client_secret", GOOD + b"&client_id=page&client_secret=hush")
    form("client_id empty and repeated", GOOD + b"&client_id=&client_id=a&client_secret=")
    form("unknown fields", b"a=b&" + GOOD + b"&user-name=x&=y&c")
    form("as Swagger UI sends it", b"grant_type=password&" + GOOD + b"&scope=&client_id=&client_secret=", headers=["Authorization: Basic Og=="])
    form("with a bearer token", GOOD, headers=["Authorization: Bearer nobody"])
    send("token/fields in the query", "POST", "/token?username=johndoe&password=secret", [f"Content-Type: {FORM}"], b"")
    send("token/query beside a form", "POST", "/token?username=alice", [f"Content-Type: {FORM}"], GOOD)


def validation():
    form("empty body", "")
    send("token/no body", "POST", "/token")
    send("token/no body with a content type", "POST", "/token", [f"Content-Type: {FORM}"])
    form("username absent", "password=secret")
    form("password absent", "username=johndoe")
    form("username empty", "username=&password=secret")
    form("password empty", "username=johndoe&password=")
    form("username without equals sign", "username&password=secret")
    form("both empty", "username=&password=")
    form("key in another case", "Username=johndoe&password=secret")
    form("key with a space", "username+=johndoe&password=secret")
    form("key with brackets", "username[]=johndoe&password=secret")
    form("key email", "email=johndoe&password=secret")
    form("key user-name", "user-name=johndoe&password=secret")
    for separator in [";", ",", "\r\n", "&amp;"]:
        form(f"separator {separator!r}", f"username=johndoe{separator}password=secret")
    grants = {
        "refresh": "refresh", "Password": "Password", "passwordx": "passwordx", "password and a space": "password+",
        "password and a line end": "password%0A", "a space": "+", "a space inside": "a+b", "an escaped plus": "a%2Bb",
        "a broken escape": "%zz", "half an escape": "a%4", "two percent signs": "%%41", "a JavaScript escape": "%u00e9",
        "UTF-8": "%C3%A9", "Korean": "%ED%95%9C%EA%B8%80", "not UTF-8": "%FF%FE", "a surrogate": "%ED%A0%80",
        "a cut character": "%F0%9F%98x", "an overlong slash": "%C0%AF", "NUL": "%00", "control characters": "%01%02%0B%1B%1F",
        "short escapes": "%08%09%0A%0C%0D", "backslash and slash": "%5C%2F", "quotes and markup": "%22%3Cscript%3E%27",
        "DEL, C1 and separators": "%7F%C2%85%E2%80%A8%EF%BB%BF", "an emoji": "%F0%9F%98%80", "equals signs": "==a=b",
    }
    for name, value in grants.items():
        form(f"grant_type is {name}", GOOD + f"&grant_type={value}".encode())
    form("grant_type wrong and credentials wrong", "username=a&password=b&grant_type=x")
    form("everything wrong", "grant_type=x")
    form("everything wrong in another order", "password=&username=&grant_type=y")
    form("raw UTF-8", GOOD + b"&grant_type=\xc3\xa9")
    form("a raw byte that is not UTF-8", GOOD + b"&grant_type=\xff")
    form("an escape and a raw byte", GOOD + b"&grant_type=%C3\xa9")
    form("grant_type repeated, wrong one last", GOOD + b"&grant_type=password&grant_type=x")
    form("grant_type repeated, empty one last", GOOD + b"&grant_type=x&grant_type=")
    form("a long grant_type", GOOD + b"&grant_type=" + b"%01" * 300)


def reading():
    form("escapes in a key", "user%6Eame=johndoe&password=secret")
    form("escapes in a value", "username=%6Aohndoe&password=s%65cret")
    form("username repeated, good one last", "username=bob&username=johndoe&password=secret")
    form("username repeated, empty one last", "username=johndoe&username=&password=secret")
    form("needless ampersands", "&&username=johndoe&&&password=secret&&")
    form("two equals signs", "username==johndoe&password=secret")
    form("1000 fields", GOOD + b"&a=" * 998)
    form("1001 fields", GOOD + b"&a=" * 999)
    form("1001 fields with empty names", GOOD + b"&=" * 999)
    send("limit/a body over 64 KiB", "POST", "/token", [f"Content-Type: {FORM}"], GOOD + b"&a=" + b"b" * 65_536)
    form("many ampersands", b"&" * 3000 + GOOD)
    for kind in [FORM + "; charset=utf-8", FORM + "; charset=iso-8859-1", FORM + ";", FORM.upper(), "  " + FORM + "  ", FORM + " ; a=b"]:
        form(f"content type {kind!r}", GOOD, kind)
    for kind in [None, "", "text/plain", "application/json", "*/*", FORM + ", text/plain", FORM + "x", "application/x-www-form", "form", FORM + "\xa0"]:
        form(f"content type {kind!r}", GOOD, kind)
    form("good JSON", '{"username":"johndoe","password":"secret"}', "application/json")
    form("broken JSON", '{"username":', "application/json")
    form("two content types, form first", GOOD, headers=["Content-Type: text/plain"])
    form("two content types, form second", GOOD, "text/plain", headers=[f"Content-Type: {FORM}"])
    form("content encoding", GOOD, headers=["Content-Encoding: gzip"])
    parts = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\njohndoe\r\n--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nsecret\r\n--x--\r\n'
    form("multipart", parts, "multipart/form-data; boundary=x")
    form("multipart without boundary", parts, "multipart/form-data")
    form("multipart without parts", b"", "multipart/form-data; boundary=x")
    form("expect 100-continue", GOOD, headers=["Expect: 100-continue"])
    form("HTTP/1.0", GOOD, version="1.0")


def bearers():
    for token in ["Bearer johndoe", "bearer johndoe", "BEARER johndoe", "bEaReR johndoe", "Bearer alice", "Bearer nobody"]:
        me(token, token)
    for token in ["", "   ", "Bearer", "Bearer ", "Bearer    johndoe", "Bearer \t johndoe", "Bearer\tjohndoe", "Bearer johndoe   "]:
        me(repr(token), token)
    me("none")
    me("spaces and tabs around", "\t  Bearer johndoe")
    raw("me/no space after the colon", b"GET /users/me HTTP/1.1\r\nhost:localhost\r\nauthorization:Bearer johndoe\r\n\r\n")
    for token in ["Bearer john doe", "Bearer johndoe extra", "Bearer johndoe,", "Bearer JohnDoe", 'Bearer "johndoe"', "Bearer john%64oe", "Bearer Bearer johndoe"]:
        me(token, token)
    for token in ["Basic am9obmRvZTpzZWNyZXQ=", "Digest username=johndoe", "Token johndoe", "johndoe", "Bearer:johndoe", "Bearer: johndoe", "Bearers johndoe", "Bear johndoe"]:
        me(token, token)
    me("bytes above 7F", b"Bearer johndo\xeb")
    me("UTF-8", "Bearer 존도")
    me("no-break space after it", b"Bearer johndoe\xa0")
    me("next line after it", b"Bearer johndoe\x85")
    me("no-break space for the space", b"Bearer\xa0johndoe")
    me("UTF-8 no-break space after it", b"Bearer johndoe\xc2\xa0")
    me("a tab at the end of the scheme", "Bearer\t")
    me("two headers, johndoe first", "Bearer johndoe", "Bearer alice")
    me("two headers, alice first", "Bearer alice", "Bearer johndoe")
    me("two headers, Basic first", "Basic Og==", "Bearer johndoe")
    me("two headers, empty first", "", "Bearer johndoe")
    me("token in a cookie", headers=["Cookie: Authorization=Bearer johndoe"])
    me("token in another header", headers=["X-Authorization: Bearer johndoe"])
    me("token in the query", path="/users/me?access_token=johndoe")
    me("headers that do not matter", "Bearer johndoe", headers=["Accept: text/html", "Range: bytes=0-3", "If-None-Match: *", "Origin: http://example.com", "Upgrade: h2c"])
    me("a body", "Bearer johndoe", body=b"hello")
    me("a query", "Bearer johndoe", path="/users/me?a=b&c")
    me("connection close", "Bearer johndoe", headers=["Connection: close"])
    me("HTTP/1.0", "Bearer johndoe", version="1.0")
    me("HTTP/1.0 without Host", "Bearer johndoe", version="1.0", host=None)
    me("HTTP/1.0 keep-alive", "Bearer johndoe", version="1.0", headers=["Connection: keep-alive"])
    me("without Host", "Bearer johndoe", host=None)
    me("two Hosts", "Bearer johndoe", headers=["Host: localhost"])
    me("a Host that is not a host", "Bearer johndoe", host="u:p@example.com")
    me("120 headers", "Bearer johndoe", headers=[f"X-{number}: a" for number in range(120)])
    me("a head of 20 kB", "Bearer johndoe", headers=["X-Long: " + "a" * 20_000])
    me("another expectation", "Bearer johndoe", headers=["Expect: a-miracle"])
    me("expect 100-continue with a body", "Bearer johndoe", headers=["Expect: 100-continue"], body=b"hello")


def paths():
    good = ["Authorization: Bearer johndoe"]
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"]:
        send(f"token/{method}", method, "/token")
    send("token/CORS preflight", "OPTIONS", "/token", ["Origin: http://example.com", "Access-Control-Request-Method: POST"])
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]:
        send(f"me/{method}", method, "/users/me", good)
    send("me/HEAD", "HEAD", "/users/me", good)
    send("me/HEAD without a token", "HEAD", "/users/me")
    for method in ["GET", "HEAD", "POST"]:
        send(f"openapi/{method}", method, "/openapi.json")
    for method in ["BREW", "get", "PROPFIND", "QUERY"]:
        send(f"path/method {method}", method, "/users/me", good)
    for path in ["/", "/favicon.ico", "/robots.txt", "/users", "/users/", "/nowhere", "/nowhere/", "/Users/me", "/USERS/ME/", "//users/me", "//users/me/",
                 "/users//me", "/users/./me", "/users/../users/me", "/token.", "/users%2Fme", "/users%2Fme/", "/users/me%2F", "/%75sers/me", "/%75sers/me/",
                 "/users%252Fme", "/users/me%20", "/users/me%00", "/users/me%", "/users/me%zz", "/users/me;v=1", "/users/me%0A", "/users/me%0D%0A", "/users/me%0A/", "/users/me#part"]:
        send(f"path/{path}", "GET", path, good)
    for method in ["POST", "HEAD", "OPTIONS", "DELETE"]:
        send(f"path/{method} on no path", method, "/nowhere")
    send("path/OPTIONS to the asterisk", "OPTIONS", "*")
    send("path/GET of the asterisk", "GET", "*")
    send("path/absolute form", "GET", "http://any.host/users/me", good)
    send("path/absolute form without a path", "GET", "http://any.host", good)
    for path in ["/docs", "/redoc", "/docs/oauth2-redirect"]:
        send(f"page{path}", "GET", path)
    for method in ["HEAD", "POST"]:
        send(f"page/{method} docs", method, "/docs")
    send("page/POST redoc", "POST", "/redoc")
    send("page/redoc/", "GET", "/redoc/")
    send("path/raw bytes in the path", "GET", "/users/m\xe9", good)
    for path in ["/users/me/", "/users/me//", "/token/", "/openapi.json/", "/users/me/?", "/users/me/?a=1&b=%20", "/users/me/?a={b}|c^`d", "/docs////"]:
        send(f"redirect/{path}", "GET", path, good)
    for method in ["POST", "HEAD", "OPTIONS"]:
        send(f"redirect/{method}", method, "/users/me/")
    send("redirect/POST token", "POST", "/token/?a=b", [f"Content-Type: {FORM}"], GOOD)
    send("redirect/another Host", "GET", "/users/me/", host="EXAMPLE.com:8000")
    send("redirect/absolute form", "GET", "http://any.host/users/me/?a=b", good)
    send("redirect/X-Forwarded-Proto", "GET", "/users/me/", ["X-Forwarded-Proto: https"])
    send("path/POST with expect 100-continue", "POST", "/nowhere", ["Expect: 100-continue"], b"hello")


def get(line=b"GET /users/me HTTP/1.1", fields=b"Host: localhost"):
    """A request for the user of a token, with this request line and these header fields."""
    return line + b"\r\n" + fields + b"\r\nAuthorization: Bearer johndoe\r\n\r\n"


def login(fields, body=GOOD, version=b"1.1"):
    """A login with these header fields, which say how long the body is."""
    head = b"POST /token HTTP/" + version + b"\r\nHost: localhost\r\nContent-Type: " + FORM.encode()
    return head + b"\r\n" + fields + b"\r\n\r\n" + body


def request_lines():
    raw("line/LF in front", b"\n" + get())
    raw("line/CR in front", b"\r" + get())
    raw("line/an empty line in front", b"\r\n" + get())
    raw("line/five empty lines in front", b"\r\n" * 5 + get())
    raw("line/two spaces before the target", get(b"GET  /users/me HTTP/1.1"))
    raw("line/two spaces before the version", get(b"GET /users/me  HTTP/1.1"))
    raw("line/no version", get(b"GET /users/me"))
    raw("line/RTSP", get(b"GET /users/me RTSP/1.0"))
    raw("line/ICE", get(b"SOURCE /users/me ICE/1.0"))
    for version in ["0.9", "1.2", "1.9", "2.0", "3.0"]:
        raw(f"version/{version}", get(f"GET /users/me HTTP/{version}".encode()))
    raw("version/the first line of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    raw("method/M-SEARCH", get(b"M-SEARCH /users/me HTTP/1.1"))
    raw("method/CONNECT to a path", get(b"CONNECT /users/me HTTP/1.1"))
    raw("method/CONNECT to a host", get(b"CONNECT localhost:443 HTTP/1.1"))
    raw("limit/a target of 9,000 bytes", get(b"GET /users/me?" + b"a" * 9_000 + b" HTTP/1.1"))
    raw("limit/a target of 70,000 bytes", get(b"GET /users/me?" + b"a" * 70_000 + b" HTTP/1.1"))
    for target in ["https://any.host/users/me", "ftp://any.host/users/me", "http://me@any.host/users/me", "http://me:hush@any.host/users/me",
                   "http://any.host/users/me#part", '/users/me?a="b"', "/users/me?a=<b>", "/users/me?a={b}|c^`d[e]\\", "/users/me?a#part", "/users/me/?<b>", "http://any.host?a=b"]:
        raw(f"target/{target}", get(b"GET " + target.encode() + b" HTTP/1.1"))
    raw("target/OPTIONS to the asterisk with a query", get(b"OPTIONS *?a=b HTTP/1.1"))
    raw("target/OPTIONS to a host", get(b"OPTIONS http://any.host HTTP/1.1"))
    raw("target/POST to the asterisk", get(b"POST * HTTP/1.1"))


def head_fields():
    for host in ["", ":8000", "me@localhost", "http://localhost", "localhost/a", "localhost, any.host", "local host", "localhost:8x", "[::1", "[v1.a]", "[fe80::1%25eth0]", "local%zz", '"localhost"']:
        raw(f"host/{host}", get(fields=b"Host: " + host.encode()))
    for host in ["localhost:", "localhost:99999", "[::1]:8000", "local%68ost"]:
        raw(f"me/Host {host}", get(fields=b"Host: " + host.encode()))
    raw("host/none beside an absolute form", b"GET http://localhost/users/me HTTP/1.1\r\nAuthorization: Bearer johndoe\r\n\r\n")
    raw("host/two in HTTP/1.0", get(b"GET /users/me HTTP/1.0", b"Host: localhost\r\nHost: localhost"))
    for value in ["close", "CLOSE", "a, close", "keep-alive, close", "closed"]:
        raw(f"me/Connection {value}", get(fields=b"Host: localhost\r\nConnection: " + value.encode()))
    raw("me/Proxy-Connection", get(fields=b"Host: localhost\r\nProxy-Connection: close"))
    websocket = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    raw("me/upgrade to a WebSocket", get(fields=b"Host: localhost\r\nConnection: Upgrade\r\n" + websocket))
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    raw("me/upgrade to HTTP/2", get(fields=upgrade + b"Host: localhost"))
    raw("token/upgrade to HTTP/2", login(upgrade + b"Content-Length: 32"))
    raw("token/upgrade to HTTP/2, chunked", login(upgrade + b"Transfer-Encoding: chunked", CHUNKS))


def bodies():
    for length in ["0000032", "32\t"]:
        raw(f"token/length {length!r}", login(b"Content-Length: " + length.encode()))
    raw("limit/a length of 99,999,999,999", login(b"Content-Length: 99999999999"), FINISH)
    raw("limit/a length of more than 64 bits", login(b"Content-Length: 18446744073709551648"))
    raw("limit/a body over 64 KiB for GET", get(fields=b"Host: localhost\r\nContent-Length: 65537") + b"a" * 65_537)
    for coding in ["chunked", "CHUNKED", "chunked ", "chunked\t", ",chunked", ", chunked", "chunked,", "gzip, chunked", "identity, chunked"]:
        raw(f"token/coding {coding!r}", login(b"Transfer-Encoding: " + coding.encode(), CHUNKS))
    raw("token/coding in HTTP/1.0", login(b"Transfer-Encoding: chunked", CHUNKS, b"1.0"))
    sizes = ["20;a=b", "20;a", '20;a="b;c"', "20 ;a=b", "20\t;a=b", "20; a = b", "20;a=", "0" * 14 + "20", "0" * 15 + "20"]
    for size in sizes:
        raw(f"token/chunk {size!r}", login(b"Transfer-Encoding: chunked", CHUNKS.replace(b"20", size.encode(), 1)))
    raw("limit/chunk extensions of 20,000 bytes", login(b"Transfer-Encoding: chunked", CHUNKS.replace(b"20", b"20;" + b"a" * 20_000, 1)))
    raw("limit/a chunk of 2^64-1 bytes", login(b"Transfer-Encoding: chunked", CHUNKS.replace(b"20", b"f" * 16, 1)), FINISH)
    for trailer in ["X-Trailer: 1", "Content-Length: 5", "Transfer-Encoding: gzip"]:
        raw(f"token/trailer {trailer}", login(b"Transfer-Encoding: chunked", CHUNKS[:-2] + trailer.encode() + b"\r\n\r\n"))
    raw("limit/a trailer of 9,000 bytes", login(b"Transfer-Encoding: chunked", CHUNKS[:-2] + b"A: " + b"a" * 9_000 + b"\r\n\r\n"))
    raw("limit/101 trailers", login(b"Transfer-Encoding: chunked", CHUNKS[:-2] + b"A: b\r\n" * 101 + b"\r\n"))
    trailers = b"Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer johndoe\r\n\r\n"
    raw("trailer/Authorization", b"GET /users/me HTTP/1.1\r\nHost: localhost\r\n" + trailers)
    as_trailer = b"POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS[:-2]
    raw("trailer/Content-Type", as_trailer + b"Content-Type: " + FORM.encode() + b"\r\n\r\n")


def expectations():
    expecting = b"Expect: 100-continue\r\nContent-Length: "
    raw("token/expect 100-continue, the body held back", login(expecting + b"32", b""), WAIT, GOOD)
    raw("me/expect 100-continue, the body held back", get(fields=b"Host: localhost\r\n" + expecting + b"5"), WAIT, b"hello")
    raw("path/expect 100-continue, the body held back", b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\n" + expecting + b"5\r\n\r\n", WAIT, b"hello")
    raw("token/expect 100-continue without a body", login(expecting + b"0", b""))
    raw("token/expect 100-continue in HTTP/1.0", login(expecting + b"32", version=b"1.0"))
    raw("token/expect 100-continue twice, the body held back", login(b"Expect: 100-continue\r\n" + expecting + b"32", b""), WAIT, GOOD)
    raw("limit/expect 100-continue and a body over 64 KiB", login(expecting + b"65537", b""), WAIT, FINISH)
    raw("expect/with a tab after it", login(b"Expect: 100-continue\t\r\nContent-Length: 32", b""), FINISH)


def pipelines():
    closing = get(fields=b"Host: localhost\r\nConnection: close")
    raw("pipeline/two requests", get(b"GET /nowhere HTTP/1.1") + closing, TO_END)
    raw("pipeline/a login and its user", login(b"Content-Length: 32") + closing, TO_END)
    raw("pipeline/an empty line after a form", login(b"Content-Length: 32") + b"\r\n" + closing, TO_END)
    raw("pipeline/a request after the last", closing + get(), TO_END)
    raw("pipeline/garbage after the last", closing + b"garbage\r\n\r\n", TO_END)
    raw("pipeline/garbage after a request", get() + b"garbage\r\n\r\n", TO_END)
    raw("pipeline/garbage after a login", login(b"Content-Length: 32") + b"garbage\r\n\r\n", TO_END)
    raw("pipeline/a request without Host after a request", get() + get(fields=b"Connection: close"), TO_END)
    raw("pipeline/a form that is longer than its length", login(b"Content-Length: 31"), FINISH)
    raw("pipeline/a form without a length", login(b"Accept: */*"), TO_END)
    raw("half-close/after a login", login(b"Content-Length: 32"), FINISH)
    raw("half-close/in a form", login(b"Content-Length: 33"), FINISH)
    raw("half-close/in a chunked form", login(b"Transfer-Encoding: chunked", CHUNKS[:-5]), FINISH)
    raw("half-close/in a head", get()[:-2], FINISH)
    raw("half-close/after an empty line", b"\r\n", FINISH)
    raw("half-close/without a request", FINISH)


def bad_requests():
    """What both servers refuse with 400. `tests/refusals.rs` has more of these, with the reason for each."""
    lines = {
        "LF alone after the request line": get(b"GET /users/me HTTP/1.1\nA: b"), "LF alone after a header field": get(fields=b"Host: localhost\nA: b"),
        "LF alone for the empty line": get()[:-2] + b"\n", "LF alone everywhere": get().replace(b"\r\n", b"\n"),
        "CR alone after the request line": get(b"GET /users/me HTTP/1.1\rA: b"), "CR CR LF": get(b"GET /users/me HTTP/1.1\r"),
        "a byte order mark": b"\xef\xbb\xbf" + get(), "a TLS ClientHello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xa5\r\n\r\n",
        "the line of a TCP proxy": b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" + get(),
    }
    for name, request in lines.items():
        raw(f"bad/{name}", request)
    for line in [" GET /users/me HTTP/1.1", "GET\t/users/me HTTP/1.1", "GET /users/me\tHTTP/1.1", "GET /users/me HTTP/1.1 ", "GET /users/me a HTTP/1.1", "GET HTTP/1.1", "GE(T /users/me HTTP/1.1",
                 "GET /users/me http/1.1", "GET /users/me HTTP/1", "GET /users/me HTTP/1.10", "GET /users/me HTTP/01.1", "CONNECT localhost HTTP/1.1",
                 "GET users/me HTTP/1.1", "GET ?a=b HTTP/1.1", "GET localhost:8000 HTTP/1.1", "GET http:/users/me HTTP/1.1", "GET http:///users/me HTTP/1.1",
                 "GET http://any.host:8x/users/me HTTP/1.1", "GET http://[::1/users/me HTTP/1.1", "GET /users/me?\xe9 HTTP/1.1", "GET /users/me\x7f HTTP/1.1", "GET /users/me\0 HTTP/1.1"]:
        raw(f"bad/{line!r}", get(line.encode("latin-1")))
    for field in ["A : b", "A\t: b", "A", ": b", "A b: c", "A(b): c", "A\0: b", "\xc4: b", "A: b\r\n c", "A: b\r\n\tc", "A: b\r\n ", "A: b\0c", "A: b\x01c", "A: b\x7f", "A: b\rC: d"]:
        raw(f"bad/{field!r}", get(fields=b"Host: localhost\r\n" + field.encode("latin-1")))
    raw("bad/' Host: localhost'", get(fields=b" Host: localhost"))
    raw("bad/HEAD", get(b"HEAD /users/me HTTP/1.1", b"Host: localhost\r\nA : b"))
    for length in ["+32", "-32", "", "0x20", "3_2", "3 2", "32, 32", "32, 33", "32.0", '"32"', "32\r\nContent-Length: 32", "32\r\nContent-Length: 33", "32\r\nTransfer-Encoding: chunked"]:
        raw(f"bad/length {length!r}", login(b"Content-Length: " + length.encode()))
    for coding in ["chunked, chunked", "chunked\r\nTransfer-Encoding: chunked", "chunked;a=b", "chunked, gzip", "gzip", "identity", "xchunked", '"chunked"', "", "\x0bchunked", "\r\n chunked", "chunked\r\nContent-Length: 42"]:
        raw(f"bad/coding {coding!r}", login(b"Transfer-Encoding: " + coding.encode(), CHUNKS))
    for size in ["20 ", " 20", "0x20", "+20", "2_0", "", "g", "20;", "20;a[=b", '20;a="b', "20;a\x01", "20;a\nb", "1f", "10000000000000020"]:
        raw(f"bad/chunk {size!r}", login(b"Transfer-Encoding: chunked", CHUNKS.replace(b"20", size.encode(), 1)))
    for name, chunks in {"LF after a size": CHUNKS.replace(b"20\r", b"20"), "LF after a chunk": CHUNKS.replace(b"secret\r", b"secret"), "LF at the end": CHUNKS[:-2] + b"\n"}.items():
        raw(f"bad/{name}", login(b"Transfer-Encoding: chunked", chunks))
    for trailer in ["A", "A : b", "A: b\r\n c", "A: b\0"]:
        raw(f"bad/trailer {trailer!r}", login(b"Transfer-Encoding: chunked", CHUNKS[:-2] + trailer.encode() + b"\r\n\r\n"))


def readable(data: bytes) -> str:
    text = "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02X}" for byte in data)
    text = re.sub(r"(.)\1{99,}", lambda run: f"\\{len(run[0])}*{run[1]}", text)
    return text[:-1] + "\\x20" if text.endswith(" ") else text  # editors cut spaces off


def response(stream, is_head, is_document):
    """Reads a response and returns its status and what is written down of it; at the end of the connection None and nothing."""
    try:
        line = stream.readline()
    except ConnectionResetError:
        line = b""
    if not line:
        return None, []
    _, status, phrase = line.decode().strip().split(" ", 2)
    status, headers = int(status), {}
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.decode().lower()] = value.strip()
    body = b"" if is_head else stream.read(int(headers.get("content-length", 0)))
    headers.pop("date", None)
    if "allow" in headers:  # a set, whose order changes from run to run
        headers["allow"] = b", ".join(sorted(headers["allow"].split(b", ")))
    if status == 200 and is_document:
        headers, body = {"content-type": headers["content-type"]}, b""
    text = [f"< {status} {phrase}"] + [f"< {name}: {readable(value)}" for name, value in headers.items()]
    return status, text + (["<|" + readable(body)] if body else [])


def exchange(address, name, steps) -> str:
    """Does what the client of an exchange does, and writes down what comes back."""
    text, status, to_end = [], 0, FINISH in steps or TO_END in steps
    is_head = bytes(steps[0][:5] if isinstance(steps[0], bytes) else b"") == b"HEAD "
    is_document = name.startswith("page/") or name.startswith("openapi/")
    with socket.create_connection(address, timeout=5) as connection:
        stream = connection.makefile("rb")
        for step in steps:
            if step == FINISH:
                connection.shutdown(socket.SHUT_WR)
            elif step == WAIT:
                status, text = response(stream, is_head, is_document)
            elif step != TO_END:
                connection.sendall(step)
        while to_end or not status or status < 200:
            last, (status, more) = status, response(stream, is_head, is_document)
            text += more
            if status is None:
                text += [] if last and last >= 200 else ["< closed"]
                break
    host, port = address
    return "\n".join(text).replace(f"{host}:{port}", "SELF")


def written(step) -> list[str]:
    """What the client does, as it is written in the recording."""
    if isinstance(step, str):
        return [step]
    lines = step.split(b"\r\n")
    return ["> " + readable(line) if line else ">" for line in lines[:-1]] + ([">|" + readable(lines[-1])] if lines[-1] else [])


def head(openapi: str) -> list[str]:
    """The versions, which must be those of requirements.txt, and the hashes of the files beside the recording."""
    lines = [f"# python {platform.python_version()}"]
    for requirement in re.findall(r"^(\S+)==(\S+)$", (HERE / "requirements.txt").read_text(), re.M):
        installed = importlib.metadata.version(requirement[0])
        assert requirement[1] == installed, f"{requirement[0]} {installed} is installed, requirements.txt says {requirement[1]}"
        lines.append(f"# {requirement[0]} {installed}")
    files = {file: (HERE / file).read_bytes() for file in ["main.py", "requirements.txt"]}
    for file, data in (files | {DOCUMENT.name: openapi.encode()}).items():
        lines.append(f"# sha256 of {file}: {hashlib.sha256(data).hexdigest()}")
    return lines


def document(address) -> str:
    """The OpenAPI document, as FastAPI makes it."""
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"GET /openapi.json HTTP/1.0\r\n\r\n")
        text = connection.makefile("rb").read().partition(b"\r\n\r\n")[2].decode()
    json.loads(text)
    return text


def record(address, openapi: str) -> str:
    text = "\n".join(head(openapi)) + "\n"
    for name, steps in exchanges:
        lines = [line for step in steps for line in written(step)]
        text += "\n" + "\n".join([f"== {name}"] + lines + [exchange(address, name, steps)]) + "\n"
    return text


def serve():
    """Starts the application under uvicorn with httptools, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--http", "httptools", "--no-access-log", "--log-level", "critical"]
    process = subprocess.Popen(command, cwd=HERE)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, ("127.0.0.1", port)
        except OSError:
            time.sleep(0.1)
    process.kill()
    sys.exit("uvicorn did not start")


def main():
    for fill in [logins, validation, reading, bearers, paths, request_lines, head_fields, bodies, expectations, pipelines, bad_requests]:
        fill()
    names = [name for name, _ in exchanges]
    assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]
    process, address = serve()
    try:
        openapi = document(address)
        files = {RECORDING: record(address, openapi), DOCUMENT: openapi}
    finally:
        process.kill()
    changes = []
    for file, text in files.items():
        if "--check" in sys.argv:
            before = file.read_text(encoding="utf-8").splitlines()
            changes += difflib.unified_diff(before, text.splitlines(), f"{file.name} as recorded", "now", lineterm="")
        else:
            file.write_text(text, encoding="utf-8", newline="\n")
    print("\n".join(changes) or f"{len(exchanges)} exchanges: {'nothing has changed' if '--check' in sys.argv else 'recorded'}")
    sys.exit(1 if changes else 0)


if __name__ == "__main__":
    main()
