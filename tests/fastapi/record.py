"""Records what FastAPI answers, for `tests/parity.rs` to compare this server with.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python record.py            writes exchanges.txt
    .venv/bin/python record.py --check    compares, and ends with status 1 when an answer has changed

Each exchange has a name and a connection of its own. In the recording, `> ` is a line of the
request, `>|` a piece of it that does not end in CR LF, `< ` the status and the headers that
matter, `<|` the body. Bytes that are no printable ASCII, and the backslash, are written `\\xNN`,
and a byte that stands 100 times or more in a row `\\100*a`. Of an HTML page only the status and the
type are recorded.
`SELF` stands for the address of the recorded server.
"""

import difflib
import pathlib
import re
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
RECORDING = HERE / "exchanges.txt"
HEADERS = ["content-type", "content-length", "www-authenticate", "allow", "location", "connection", "cache-control"]
FORM = "application/x-www-form-urlencoded"
GOOD = b"username=johndoe&password=secret"

exchanges: list[tuple[str, bytes]] = []


def send(name, method="GET", path="/", headers=(), body=None, version="1.1", host="localhost:8000"):
    """Adds an exchange. A body gets its Content-Length."""
    lines = [f"{method} {path} HTTP/{version}".encode("latin-1")]
    if host is not None:
        lines.append(f"Host: {host}".encode("latin-1"))
    lines += [header if isinstance(header, bytes) else header.encode("latin-1") for header in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}".encode())
    exchanges.append((name, b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")))


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
    form("blank before the name", "username=+johndoe&password=secret")
    form("blank behind the password", "username=johndoe&password=secret+")
    form("NUL behind the name", "username=johndoe%00&password=secret")
    form("CR LF behind the body", "username=johndoe&password=secret\r\n")
    form("name of blanks", "username=+++&password=secret")
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
    form("key with a blank", "username+=johndoe&password=secret")
    form("key with brackets", "username[]=johndoe&password=secret")
    form("key email", "email=johndoe&password=secret")
    form("key user-name", "user-name=johndoe&password=secret")
    for separator in [";", ",", "\r\n", "&amp;"]:
        form(f"separator {separator!r}", f"username=johndoe{separator}password=secret")
    grants = {
        "refresh": "refresh", "Password": "Password", "passwordx": "passwordx", "password and a blank": "password+",
        "password and a line end": "password%0A", "a blank": "+", "a blank inside": "a+b", "an escaped plus": "a%2Bb",
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
    chunked = [f"Content-Type: {FORM}", "Transfer-Encoding: chunked"]
    send("token/chunked", "POST", "/token", chunked)
    exchanges[-1] = (exchanges[-1][0], exchanges[-1][1] + b"8;a=b\r\nusername\r\n18\r\n=johndoe&password=secret\r\n0\r\nX-Trailer: 1\r\n\r\n")
    form("expect 100-continue", GOOD, headers=["Expect: 100-continue"])
    form("HTTP/1.0", GOOD, version="1.0")


def bearers():
    for token in ["Bearer johndoe", "bearer johndoe", "BEARER johndoe", "bEaReR johndoe", "Bearer alice", "Bearer nobody"]:
        me(token, token)
    for token in ["", "   ", "Bearer", "Bearer ", "Bearer    johndoe", "Bearer \t johndoe", "Bearer\tjohndoe", "Bearer johndoe   "]:
        me(repr(token), token)
    me("none")
    me("blanks and tabs around", "\t  Bearer johndoe")
    exchanges.append(("me/no blank after the colon", b"GET /users/me HTTP/1.1\r\nhost:localhost\r\nauthorization:Bearer johndoe\r\n\r\n"))
    for token in ["Bearer john doe", "Bearer johndoe extra", "Bearer johndoe,", "Bearer JohnDoe", 'Bearer "johndoe"', "Bearer john%64oe", "Bearer Bearer johndoe"]:
        me(token, token)
    for token in ["Basic am9obmRvZTpzZWNyZXQ=", "Digest username=johndoe", "Token johndoe", "johndoe", "Bearer:johndoe", "Bearer: johndoe", "Bearers johndoe", "Bear johndoe"]:
        me(token, token)
    me("bytes above 7F", b"Bearer johndo\xeb")
    me("UTF-8", "Bearer 존도")
    me("no-break space behind", b"Bearer johndoe\xa0")
    me("next line behind", b"Bearer johndoe\x85")
    me("no-break space for the blank", b"Bearer\xa0johndoe")
    me("UTF-8 no-break space behind", b"Bearer johndoe\xc2\xa0")
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
    me("a Host that is none", "Bearer johndoe", host="u:p@example.com")
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
    send("path/raw bytes in the path", "GET", "/users/m\xe9", good)
    for path in ["/users/me/", "/users/me//", "/token/", "/openapi.json/", "/users/me/?", "/users/me/?a=1&b=%20", "/users/me/?a={b}|c^`d", "/docs////"]:
        send(f"redirect/{path}", "GET", path, good)
    for method in ["POST", "HEAD", "OPTIONS"]:
        send(f"redirect/{method}", method, "/users/me/")
    send("redirect/POST token", "POST", "/token/?a=b", [f"Content-Type: {FORM}"], GOOD)
    send("redirect/another Host", "GET", "/users/me/", host="EXAMPLE.com:8000")
    send("redirect/X-Forwarded-Proto", "GET", "/users/me/", ["X-Forwarded-Proto: https"])
    send("path/POST with expect 100-continue", "POST", "/nowhere", ["Expect: 100-continue"], b"hello")


def readable(data: bytes) -> str:
    text = "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02X}" for byte in data)
    text = re.sub(r"(.)\1{99,}", lambda run: f"\\{len(run[0])}*{run[1]}", text)
    return text[:-1] + "\\x20" if text.endswith(" ") else text  # editors cut blanks off


def exchange(address, request: bytes) -> str:
    """Sends a request and writes down what came back."""
    text = []
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(request)
        stream = connection.makefile("rb")
        while True:
            status = int(stream.readline().split()[1])
            headers = {}
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                headers[name.decode().lower()] = value.strip()
            if "allow" in headers:  # a set, whose order changes from run to run
                headers["allow"] = b", ".join(sorted(headers["allow"].split(b", ")))
            text.append(f"< {status}")
            if status >= 200:
                break
        if headers.get("content-type", b"").startswith(b"text/html"):
            headers = {"content-type": headers["content-type"]}
        text += [f"< {name}: {readable(headers[name])}" for name in HEADERS if name in headers]
        length = 0 if request.startswith(b"HEAD ") else int(headers.get("content-length", 0))
        if length:
            text.append("<|" + readable(stream.read(length)))
    host, port = address
    return "\n".join(text).replace(f"{host}:{port}", "SELF")


def record(address) -> str:
    blocks = []
    for name, request in exchanges:
        lines = request.split(b"\r\n")
        written = ["> " + readable(line) if line else ">" for line in lines[:-1]]
        written += [">|" + readable(lines[-1])] if lines[-1] else []
        blocks.append(f"== {name}\n" + "\n".join(written) + "\n" + exchange(address, request) + "\n")
    return "\n".join(blocks)


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
    for fill in [logins, validation, reading, bearers, paths]:
        fill()
    names = [name for name, _ in exchanges]
    assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]
    process, address = serve()
    try:
        recording = record(address)
    finally:
        process.kill()
    if "--check" in sys.argv:
        before = RECORDING.read_text()
        changes = list(difflib.unified_diff(before.splitlines(), recording.splitlines(), "recorded", "now", lineterm=""))
        print("\n".join(changes) or f"{len(exchanges)} exchanges, none has changed")
        sys.exit(1 if changes else 0)
    RECORDING.write_text(recording)
    print(f"{len(exchanges)} exchanges recorded")


if __name__ == "__main__":
    main()
