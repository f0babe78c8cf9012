//! What the server does not take: one table of bytes, with the status and the message that they get.
//!
//! After a refusal nobody knows where the next request begins, so each one also ends the
//! connection. A request that is smuggled in after the refused bytes never gets a response.
//!
//! What a row forbids often has a harmless neighbour; those are at the end, and are taken.

mod support;

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use simple_oauth2::app::app;
use simple_oauth2::server::Limits;
use support::{Client, TestServer, get, serve};

/// A refusal: its status and its message, the place in the RFC that asks for it or allows it, a word
/// on why, and the bytes.
type Row = (u16, &'static str, &'static str, &'static str, &'static [u8]);

// The messages. Each must be true for all the bytes that get it.

const LF_ALONE: &str = "A line ends in LF without CR.";
const CR_ALONE: &str = "A CR is not followed by LF.";
const EMPTY_LINES: &str = "There are too many empty lines before the request line.";
const FIRST_WORD: &str = "The first word is too long to be a method.";
const REQUEST_LINE: &str = "The request line must be a method (a token), a space, a target (visible ASCII characters), a space, HTTP/1.1 or HTTP/1.0, and CR LF.";
const LONG_LINE: &str = "The request line is longer than this server takes.";
const VERSION: &str = "This server speaks HTTP/1.1 and HTTP/1.0.";
const METHOD: &str = "This server does not know the method of the request.";
const TARGET: &str =
    "The target must be a path that begins with /, an http:// address or, for OPTIONS alone, *.";
const TARGET_HOST: &str =
    "After http:// the target must have a host, with or without a port number, and no user.";
const TARGET_BYTE: &str = "The target holds a byte that must be percent-encoded.";
const FRAGMENT: &str = "A fragment (after #) is not part of a request target.";
const TUNNEL: &str = "CONNECT asks for a tunnel, and this server is not a proxy.";
const NO_TUNNEL: &str = "The target of CONNECT must be a host and a port.";
const NAME: &str = "A header line does not begin with a name (a token) and a colon directly after it.";
const VALUE: &str = "A header value holds a control character.";
const LONG_HEAD: &str = "The head is longer than this server takes.";
const MANY_FIELDS: &str = "The request has more header fields than this server takes.";
const NO_HOST: &str = "An HTTP/1.1 request must have a Host.";
const TWO_HOSTS: &str = "A request must not have more than one Host field.";
const HOST: &str = "The value of Host must be a host, with or without a port number.";
const LENGTH: &str = "Content-Length must be a number in the digits 0 to 9.";
const TWO_LENGTHS: &str = "A request must not have more than one Content-Length.";
const LONG_BODY: &str = "The body is longer than this server takes.";
const BOTH: &str = "A request must not have both Content-Length and Transfer-Encoding.";
const OLD_VERSION: &str = "HTTP/1.0 has no Transfer-Encoding.";
const NOT_CHUNKED: &str =
    "The last Transfer-Encoding must be chunked, without parameters; with another one the body has no end.";
const TWICE: &str = "Transfer-Encoding must not name chunked twice.";
const CODING: &str = "The only Transfer-Encoding that this server knows is chunked.";
const EXPECTATION: &str = "The only expectation that this server knows is 100-continue.";
const SIZE: &str =
    "A chunk must begin with a line of 1 to 16 hexadecimal digits, valid extensions if any, and CR LF.";
const LONG_SIZES: &str = "The chunk-size lines together are longer than this server takes.";
const CHUNK_END: &str = "A chunk does not end in CR LF where its size says.";
const TRAILER: &str = "A trailer is not a valid header field.";
const TRAILER_LF: &str = "A line of the trailers ends in LF without CR.";
const TRAILERS: &str = "There are more or longer trailers than this server takes.";

/// A request with this request line.
macro_rules! line {
    ($line:literal) => {
        concat!($line, "\r\nHost: localhost\r\n\r\n").as_bytes()
    };
}

/// A request with these header fields and no other.
macro_rules! headers {
    ($lines:literal) => {
        concat!("GET /docs HTTP/1.1\r\n", $lines, "\r\n\r\n").as_bytes()
    };
}

/// A login with these header fields, and five bytes after its head, which are a body for a
/// server that counts to five and for one that reads chunks.
macro_rules! login {
    ($lines:literal) => {
        concat!("POST /token HTTP/1.1\r\nHost: localhost\r\n", $lines, "\r\n\r\n0\r\n\r\n").as_bytes()
    };
}

/// A login with these chunks.
macro_rules! chunks {
    ($chunks:literal) => {
        concat!("POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", $chunks)
            .as_bytes()
    };
}

// A row is a line: a table is read down its columns. Where a row stops at the wrong byte, it is refused
// without the rest: a client that speaks something else waits for a response to its first bytes.
#[rustfmt::skip]
const REFUSED: &[Row] = &[
    // Line ends. A program that takes less than CR LF for one sees other lines than a stricter one in front of it.
    (400, LF_ALONE,     "9112 2.2",     "LF alone after the request line",        b"GET /docs HTTP/1.1\nHost: localhost\r\n\r\n"),
    (400, LF_ALONE,     "9112 2.2",     "LF alone after a header line",           b"GET /docs HTTP/1.1\r\nHost: localhost\nA: b\r\n\r\n"),
    (400, LF_ALONE,     "9112 2.2",     "LF alone for the empty line",            b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\n"),
    (400, LF_ALONE,     "9112 2.2",     "LF alone everywhere",                    b"GET /docs HTTP/1.1\nHost: localhost\n\n"),
    (400, LF_ALONE,     "9112 2.2",     "LF alone before the request line",       b"\nGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, REQUEST_LINE, "9112 2.2",     "LF CR",                                  b"GET /docs HTTP/1.1\n\rHost: localhost\n\r\n\r"),
    (400, REQUEST_LINE, "9112 2.2",     "CR alone after the request line",        b"GET /docs HTTP/1.1\rHost: localhost\r\n\r\n"),
    (400, REQUEST_LINE, "9112 2.2",     "CR alone in the request line",           b"GET /do\rcs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, VALUE,        "9112 2.2",     "CR alone in a value",                    b"GET /docs HTTP/1.1\r\nHost: localhost\r\nA: b\rC: d\r\n\r\n"),
    (400, CR_ALONE,     "9112 2.2",     "CR alone for the empty line",            b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\rA: b\r\n\r\n"),
    (400, REQUEST_LINE, "9112 2.2",     "CR CR LF",                               b"GET /docs HTTP/1.1\r\r\nHost: localhost\r\n\r\n"),
    (400, CR_ALONE,     "9112 2.2",     "CR alone before the request line",       b"\rGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, EMPTY_LINES,  "9112 2.2",     "five empty lines, one too many",         b"\r\n\r\n\r\n\r\n\r\n"),

    // The request line: method, space, target, space, version. A method that is unknown also ends the connection.
    (400, REQUEST_LINE, "9112 3",       "a space in front",                       b" GET"),
    (400, REQUEST_LINE, "9112 3",       "a tab in front",                         line!("\tGET /docs HTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "two spaces before the target",           line!("GET  /docs HTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "two spaces before the version",          line!("GET /docs  HTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "a tab for a space",                      line!("GET\t/docs HTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "a tab for the other space",              line!("GET /docs\tHTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "a space at the end",                     line!("GET /docs HTTP/1.1 ")),
    (400, REQUEST_LINE, "9112 3",       "a fourth word",                          line!("GET /docs HTTP/1.1 HTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "a fourth word after a CR alone",         line!("GET /docs HTTP/1.1\rA HTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "a space in the target",                  line!("GET /do cs HTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "a space in the target, and HTTP/2.0",    line!("GET /do cs HTTP/2.0")),
    (400, REQUEST_LINE, "9112 3",       "no target",                              line!("GET HTTP/1.1")),
    (400, REQUEST_LINE, "9112 3",       "no version, as in HTTP/0.9",             line!("GET /docs")),
    (400, REQUEST_LINE, "9112 3",       "nothing but a method",                   line!("GET")),
    (400, REQUEST_LINE, "9110 9.1",     "a method that is no token",              line!("GE(T /docs HTTP/1.1")),
    (400, REQUEST_LINE, "9110 9.1",     "a method in quotes",                     line!("\"GET\" /docs HTTP/1.1")),
    (400, REQUEST_LINE, "9110 9.1",     "a method with a NUL",                    line!("GET\0 /docs HTTP/1.1")),
    (400, REQUEST_LINE, "9110 9.1",     "a byte order mark",                      b"\xEF\xBB\xBFGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (501, METHOD,       "9110 9.1",     "a method that nobody knows",             line!("GETT!#$%&'*+-.^_`|~ /docs HTTP/1.1")),
    (501, METHOD,       "9110 9.1",     "a method in lower case",                 line!("get /docs HTTP/1.1")),
    (501, METHOD,       "9110 9.1",     "a method of WebDAV, with a body",        b"PROPFIND /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"),

    // Other protocols on this port.
    (505, VERSION,      "9110 15.6.6",  "the preface of HTTP/2",                  b"PRI * HTTP/2.0\r\n"),
    (400, REQUEST_LINE, "9112 3",       "a TLS ClientHello: https on this port",  b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"),
    (400, REQUEST_LINE, "9112 3",       "JSON",                                   b"{\"user"),
    (400, REQUEST_LINE, "9112 3",       "SSH",                                    b"SSH-2.0-OpenSSH_9.9\r\n"),
    (400, REQUEST_LINE, "9112 3",       "SOCKS",                                  b"\x05\x01\x00\r\n"),
    (400, REQUEST_LINE, "9112 3",       "the line a TCP proxy puts in front",     line!("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443")),
    (400, REQUEST_LINE, "9112 3",       "a response",                             line!("HTTP/1.1 200 OK")),

    // The version.
    (505, VERSION,      "9110 15.6.6",  "HTTP/2.0",                               line!("GET /docs HTTP/2.0")),
    (505, VERSION,      "9110 15.6.6",  "HTTP/3.0",                               line!("GET /docs HTTP/3.0")),
    (505, VERSION,      "9110 15.6.6",  "HTTP/0.9",                               line!("GET /docs HTTP/0.9")),
    (505, VERSION,      "9110 15.6.6",  "HTTP/9.9",                               line!("GET /docs HTTP/9.9")),
    (400, REQUEST_LINE, "9112 2.3",     "the name in lower case",                 line!("GET /docs http/1.1")),
    (400, REQUEST_LINE, "9112 2.3",     "mixed case",                             line!("GET /docs Http/1.1")),
    (400, REQUEST_LINE, "9112 2.3",     "no minor version",                       line!("GET /docs HTTP/1")),
    (400, REQUEST_LINE, "9112 2.3",     "no minor version of another major",      line!("GET /docs HTTP/2")),
    (400, REQUEST_LINE, "9112 2.3",     "a point and no minor version",           line!("GET /docs HTTP/1.")),
    (400, REQUEST_LINE, "9112 2.3",     "two digits of minor version",            line!("GET /docs HTTP/1.10")),
    (400, REQUEST_LINE, "9112 2.3",     "two digits of major version",            line!("GET /docs HTTP/11.1")),
    (400, REQUEST_LINE, "9112 2.3",     "a leading zero",                         line!("GET /docs HTTP/01.1")),
    (400, REQUEST_LINE, "9112 2.3",     "no digit",                               line!("GET /docs HTTP/1.x")),
    (400, REQUEST_LINE, "9112 2.3",     "a comma for the point",                  line!("GET /docs HTTP/1,1")),
    (400, REQUEST_LINE, "9112 2.3",     "no slash",                               line!("GET /docs HTTP1.1")),
    (400, REQUEST_LINE, "9112 2.3",     "a backslash for the slash",              line!("GET /docs HTTP\\1.1")),
    (400, REQUEST_LINE, "9112 2.3",     "another protocol",                       line!("GET /docs HTTPS/1.1")),

    // The target.
    (400, TARGET,       "9112 3.2",     "no slash in front",                      line!("GET docs HTTP/1.1")),
    (400, TARGET,       "9112 3.2",     "a query alone",                          line!("GET ?a=b HTTP/1.1")),
    (400, FRAGMENT,     "9112 3.2",     "a fragment",                             line!("GET /docs#part HTTP/1.1")),
    (400, FRAGMENT,     "9112 3.2",     "an empty fragment",                      line!("GET /docs# HTTP/1.1")),
    (400, TARGET,       "9112 3.2.4",   "the asterisk belongs to OPTIONS",        line!("GET * HTTP/1.1")),
    (400, TARGET,       "9112 3.2.4",   "POST to the asterisk",                   line!("POST * HTTP/1.1")),
    (400, TARGET,       "9112 3.2.4",   "the asterisk with a query",              line!("OPTIONS *?a=b HTTP/1.1")),
    (400, TARGET,       "9112 3.2.3",   "a host and port belong to CONNECT",      line!("GET localhost:8000 HTTP/1.1")),
    (501, TUNNEL,       "9110 9.3.6",   "CONNECT: this is no proxy",              line!("CONNECT localhost:443 HTTP/1.1")),
    (501, TUNNEL,       "9110 9.3.6",   "CONNECT to an IPv6 address",             line!("CONNECT [::1]:443 HTTP/1.1")),
    (400, NO_TUNNEL,    "9112 3.2.3",   "CONNECT to a path",                      line!("CONNECT /docs HTTP/1.1")),
    (400, NO_TUNNEL,    "9112 3.2.3",   "CONNECT without a port",                 line!("CONNECT localhost HTTP/1.1")),
    (400, NO_TUNNEL,    "9112 3.2.3",   "CONNECT with an empty port",             line!("CONNECT localhost: HTTP/1.1")),
    (400, NO_TUNNEL,    "9112 3.2.3",   "CONNECT with a scheme",                  line!("CONNECT http://localhost:80 HTTP/1.1")),
    (400, NO_TUNNEL,    "9112 3.2.3",   "CONNECT with a user",                    line!("CONNECT me@localhost:443 HTTP/1.1")),
    (400, TARGET_HOST,  "9110 4.2.4",   "a user in an absolute form",             line!("GET http://me@localhost/docs HTTP/1.1")),
    (400, TARGET_HOST,  "9110 4.2.4",   "a user and a password",                  line!("GET http://me:hush@localhost/docs HTTP/1.1")),
    (400, TARGET_HOST,  "9110 4.2.1",   "an absolute form without a host",        line!("GET http:///docs HTTP/1.1")),
    (400, TARGET_HOST,  "9110 4.2.1",   "and without anything",                   line!("GET http:// HTTP/1.1")),
    (400, TARGET_HOST,  "9110 4.2.1",   "a port and no host",                     line!("GET http://:8000/docs HTTP/1.1")),
    (400, TARGET_HOST,  "9112 3.2.2",   "a port that is no number",               line!("GET http://localhost:8x/docs HTTP/1.1")),
    (400, TARGET_HOST,  "9112 3.2.2",   "an IPv6 address left open",              line!("GET http://[::1/docs HTTP/1.1")),
    (400, FRAGMENT,     "9112 3.2.2",   "a fragment in an absolute form",         line!("GET http://localhost/docs#part HTTP/1.1")),
    (400, TARGET,       "9110 7.4",     "https, but nothing was encrypted",       line!("GET https://localhost/docs HTTP/1.1")),
    (400, TARGET,       "9112 3.2.2",   "another scheme",                         line!("GET ftp://localhost/docs HTTP/1.1")),
    (400, TARGET,       "9112 3.2.2",   "one slash",                              line!("GET http:/localhost/docs HTTP/1.1")),
    (400, TARGET_BYTE,  "3986 2",       "a double quote",                         line!("GET /docs?\" HTTP/1.1")),
    (400, TARGET_BYTE,  "3986 2",       "less than",                              line!("GET /docs?< HTTP/1.1")),
    (400, TARGET_BYTE,  "3986 2",       "greater than",                           line!("GET /docs?> HTTP/1.1")),
    (400, TARGET_BYTE,  "3986 2",       "raw UTF-8",                              b"GET /docs?\xC3\xA9 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, REQUEST_LINE, "3986 2",       "raw Latin-1",                            b"GET /docs?\xE9 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, REQUEST_LINE, "3986 2",       "a NUL",                                  line!("GET /docs\0 HTTP/1.1")),
    (400, REQUEST_LINE, "3986 2",       "a control character",                    line!("GET /docs\x1B[2J HTTP/1.1")),
    (400, REQUEST_LINE, "3986 2",       "DEL",                                    line!("GET /docs\x7F HTTP/1.1")),

    // Header lines: name, colon, value.
    (400, NAME,         "9112 5.1",     "a space before the colon",               b"GET /docs HTTP/1.1\r\nHost: localhost\r\nA : "),
    (400, NAME,         "9112 5.1",     "a tab before the colon",                 headers!("Host: localhost\r\nA\t: b")),
    (400, NAME,         "9112 5.1",     "the classic of smuggling",               login!("Transfer-Encoding : chunked\r\nContent-Length: 5")),
    (400, NAME,         "9112 5.1",     "and the other way round",                login!("Content-Length : 5")),
    (400, NAME,         "9112 5.1",     "a Host that some would overlook",        headers!("Host : localhost")),
    (400, NAME,         "9112 5",       "no colon",                               headers!("Host: localhost\r\nA")),
    (400, NAME,         "9112 5",       "no name",                                headers!("Host: localhost\r\n: b")),
    (400, NAME,         "9110 5.1",     "a space in the name",                    headers!("Host: localhost\r\nA b: c")),
    (400, NAME,         "9110 5.1",     "a bracket in the name",                  headers!("Host: localhost\r\nA(b): c")),
    (400, NAME,         "9110 5.1",     "a NUL in the name",                      headers!("Host: localhost\r\nA\0: c")),
    (400, NAME,         "9110 5.1",     "a letter that is not ASCII",             headers!("Host: localhost\r\nÄ: c")),
    (400, NAME,         "9112 5.2",     "a folded line",                          headers!("Host: localhost\r\nA: b\r\n c")),
    (400, NAME,         "9112 5.2",     "a line folded with a tab",               headers!("Host: localhost\r\nA: b\r\n\tc")),
    (400, NAME,         "9112 5.2",     "a folded line of spaces",                headers!("Host: localhost\r\nA: b\r\n ")),
    (400, NAME,         "9112 5.2",     "a coding folded away",                   login!("Transfer-Encoding:\r\n chunked")),
    (400, NAME,         "9112 2.2",     "white space before the first line",      headers!(" Host: localhost")),
    (400, NAME,         "9112 2.2",     "a line that is one space",               headers!(" \r\nHost: localhost")),
    (400, VALUE,        "9110 5.5",     "a NUL in a value",                       b"GET /docs HTTP/1.1\r\nHost: localhost\r\nA: b\0"),
    (400, VALUE,        "9110 5.5",     "another control character",              headers!("Host: localhost\r\nA: b\x01c")),
    (400, VALUE,        "9110 5.5",     "an escape sequence",                     headers!("Host: localhost\r\nA: \x1B[31m")),
    (400, VALUE,        "9110 5.5",     "a vertical tab before a value",          login!("Transfer-Encoding: \x0Bchunked")),
    (400, VALUE,        "9110 5.5",     "a form feed before a value",             login!("Transfer-Encoding: \x0Cchunked")),
    (400, VALUE,        "9110 5.5",     "DEL",                                    headers!("Host: localhost\r\nA: b\x7F")),

    // Host: exactly one, and a host. Two servers that read different ones can be played against each other.
    (400, NO_HOST,      "9112 3.2",     "none",                                   headers!("A: b")),
    (400, NO_HOST,      "9112 3.2",     "none, beside an absolute form",          b"GET http://localhost/docs HTTP/1.1\r\n\r\n"),
    (400, TWO_HOSTS,    "9112 3.2",     "two",                                    headers!("Host: localhost\r\nHost: example.com")),
    (400, TWO_HOSTS,    "9112 3.2",     "two that are equal",                     headers!("Host: localhost\r\nhost: localhost")),
    (400, TWO_HOSTS,    "9112 3.2",     "two in HTTP/1.0",                        b"GET /docs HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
    (400, HOST,         "9112 3.3",     "an empty one",                           headers!("Host:")),
    (400, HOST,         "9112 3.3",     "an empty one in HTTP/1.0",               b"GET /docs HTTP/1.0\r\nHost: \r\n\r\n"),
    (400, HOST,         "9110 7.2",     "a port without a host",                  headers!("Host: :8000")),
    (400, HOST,         "9110 7.2",     "a user",                                 headers!("Host: me@localhost")),
    (400, HOST,         "9110 7.2",     "a scheme",                               headers!("Host: http://localhost")),
    (400, HOST,         "9110 7.2",     "a path",                                 headers!("Host: localhost/docs")),
    (400, HOST,         "9110 7.2",     "a query",                                headers!("Host: localhost?a")),
    (400, HOST,         "9110 7.2",     "a fragment",                             headers!("Host: localhost#a")),
    (400, HOST,         "9110 7.2",     "a list",                                 headers!("Host: localhost, example.com")),
    (400, HOST,         "9110 7.2",     "a space inside",                         headers!("Host: local host")),
    (400, HOST,         "9110 7.2",     "a port that is no number",               headers!("Host: localhost:8x")),
    (400, HOST,         "9110 7.2",     "a port with a sign",                     headers!("Host: localhost:+80")),
    (400, HOST,         "9110 7.2",     "two ports",                              headers!("Host: localhost:80:80")),
    (400, HOST,         "3986 3.2.2",   "an IPv6 address without brackets",       headers!("Host: ::1")),
    (400, HOST,         "3986 3.2.2",   "an IPv6 address left open",              headers!("Host: [::1")),
    (400, HOST,         "3986 3.2.2",   "brackets with nothing in them",          headers!("Host: []")),
    (400, HOST,         "3986 3.2.2",   "brackets with a name in them",           headers!("Host: [localhost]")),
    (400, HOST,         "3986 3.2.2",   "something between bracket and port",     headers!("Host: [::1]a:80")),
    (400, HOST,         "3986 3.2.2",   "a broken escape",                        headers!("Host: local%2")),
    (400, HOST,         "3986 3.2.2",   "an escape of no digits",                 headers!("Host: local%zzhost")),
    (400, HOST,         "3986 3.2.2",   "a double quote",                         headers!("Host: \"localhost\"")),
    (400, HOST,         "3986 3.2.2",   "a backslash",                            headers!("Host: localhost\\docs")),
    (400, HOST,         "3986 3.2.2",   "angle brackets",                         headers!("Host: <script>")),
    (400, HOST,         "3986 3.2.2",   "a bar",                                  headers!("Host: a|b")),
    (400, HOST,         "3986 3.2.2",   "bytes above 7F",                         headers!("Host: löcalhost")),

    // Content-Length: one number in digits.
    (400, LENGTH,       "9110 8.6",     "a plus sign",                            login!("Content-Length: +5")),
    (400, LENGTH,       "9110 8.6",     "a minus sign",                           login!("Content-Length: -5")),
    (400, LENGTH,       "9110 8.6",     "minus zero",                             login!("Content-Length: -0")),
    (400, LENGTH,       "9110 8.6",     "nothing",                                login!("Content-Length:")),
    (400, LENGTH,       "9110 8.6",     "spaces",                                 login!("Content-Length:   ")),
    (400, LENGTH,       "9110 8.6",     "hexadecimal",                            login!("Content-Length: 0x5")),
    (400, LENGTH,       "9110 8.6",     "a fraction",                             login!("Content-Length: 5.0")),
    (400, LENGTH,       "9110 8.6",     "an exponent",                            login!("Content-Length: 5e0")),
    (400, LENGTH,       "9110 8.6",     "an underscore",                          login!("Content-Length: 0_5")),
    (400, LENGTH,       "9110 8.6",     "a space inside",                         login!("Content-Length: 5 5")),
    (400, LENGTH,       "9110 8.6",     "quotes",                                 login!("Content-Length: \"5\"")),
    (400, LENGTH,       "9110 8.6",     "a parameter",                            login!("Content-Length: 5;a=b")),
    (400, LENGTH,       "9110 8.6",     "a word",                                 login!("Content-Length: five")),
    (400, LENGTH,       "9110 8.6",     "digits of another alphabet",             login!("Content-Length: ٥")),
    (400, LENGTH,       "9112 6.3",     "two values",                             login!("Content-Length: 5, 6")),
    (400, TWO_LENGTHS,  "9112 6.3",     "two lines",                              login!("Content-Length: 5\r\nContent-Length: 6")),
    (400, TWO_LENGTHS,  "9112 6.3",     "two lines in another letter case",       login!("Content-Length: 0\r\ncontent-length: 5")),
    (400, LENGTH,       "9110 8.6",     "the same value twice",                   login!("Content-Length: 5, 5")),
    (400, TWO_LENGTHS,  "9110 8.6",     "the same line twice",                    login!("Content-Length: 5\r\nContent-Length: 5")),
    (400, LENGTH,       "9110 8.6",     "a comma and nothing",                    login!("Content-Length: 5,")),
    (400, LENGTH,       "9112 6.3",     "a wrong one in HTTP/1.0",                b"POST /token HTTP/1.0\r\nContent-Length: +5\r\n\r\n0\r\n\r\n"),
    (400, LENGTH,       "9112 6.3",     "a wrong one in a GET",                   headers!("Host: localhost\r\nContent-Length: x")),
    (413, LONG_BODY,    "9110 15.5.14", "one byte too many",                      login!("Content-Length: 65537")),
    (413, LONG_BODY,    "9110 15.5.14", "no 100 before it",                       login!("Content-Length: 65537\r\nExpect: 100-continue")),
    (413, LONG_BODY,    "9110 8.6",     "2 to the power of 32, and 5",            login!("Content-Length: 4294967301")),
    (413, LONG_BODY,    "9110 8.6",     "2 to the power of 64, and 5",            login!("Content-Length: 18446744073709551621")),
    (413, LONG_BODY,    "9110 8.6",     "more than any machine counts",           login!("Content-Length: 99999999999999999999999999999999999999")),
    (413, LONG_BODY,    "9110 15.5.14", "too much for a GET as well",             headers!("Host: localhost\r\nContent-Length: 65537")),

    // Transfer-Encoding: chunked, once and last.
    (400, BOTH,         "9112 6.1",     "Content-Length beside it",               login!("Transfer-Encoding: chunked\r\nContent-Length: 5")),
    (400, BOTH,         "9112 6.1",     "Content-Length in front of it",          login!("Content-Length: 5\r\nTransfer-Encoding: chunked")),
    (400, BOTH,         "9112 6.1",     "a Content-Length of zero beside it",     login!("Transfer-Encoding: chunked\r\nContent-Length: 0")),
    (400, OLD_VERSION,  "9112 6.1",     "HTTP/1.0 does not know it",              b"POST /token HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (400, NOT_CHUNKED,  "9112 6.3",     "not chunked: a body without end",        login!("Transfer-Encoding: gzip")),
    (400, NOT_CHUNKED,  "9112 6.3",     "identity, which is no more",             login!("Transfer-Encoding: identity")),
    (400, NOT_CHUNKED,  "9112 6.3",     "not chunked, but nearly",                login!("Transfer-Encoding: xchunked")),
    (400, NOT_CHUNKED,  "9112 6.3",     "a space inside",                         login!("Transfer-Encoding: chunk ed")),
    (400, NOT_CHUNKED,  "9112 6.3",     "in quotes",                              login!("Transfer-Encoding: \"chunked\"")),
    (400, NOT_CHUNKED,  "9112 6.3",     "nothing",                                login!("Transfer-Encoding:")),
    (400, NOT_CHUNKED,  "9112 6.3",     "chunked, but not last",                  login!("Transfer-Encoding: chunked, gzip")),
    (400, NOT_CHUNKED,  "9112 6.3",     "chunked, but not in the last line",      login!("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")),
    (400, TWICE,        "9112 6.1",     "chunked twice",                          login!("Transfer-Encoding: chunked, chunked")),
    (400, TWICE,        "9112 6.1",     "chunked twice, in two lines",            login!("Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked")),
    (400, TWICE,        "9112 6.1",     "chunked twice, with one between",        login!("Transfer-Encoding: chunked, gzip, chunked")),
    (400, NOT_CHUNKED,  "9112 7.1",     "chunked has no parameters",              login!("Transfer-Encoding: chunked;a=b")),
    (501, CODING,       "9112 6.1",     "chunked with a parameter, and chunked",  login!("Transfer-Encoding: chunked;a=b, chunked")),
    (400, NOT_CHUNKED,  "9112 6.3",     "nothing but empty elements",             login!("Transfer-Encoding: ,")),
    (501, CODING,       "9112 6.1",     "a coding that is not known here",        login!("Transfer-Encoding: gzip, chunked")),
    (501, CODING,       "9112 6.1",     "in two lines",                           login!("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked")),
    (501, CODING,       "9112 6.1",     "with a parameter",                       login!("Transfer-Encoding: br;q=1, chunked")),

    // Expect: 100-continue is the only expectation.
    (417, EXPECTATION,  "9110 10.1.1",  "another one",                            login!("Content-Length: 5\r\nExpect: 200-ok")),
    (417, EXPECTATION,  "9110 10.1.1",  "another one beside it",                  login!("Content-Length: 5\r\nExpect: 100-continue, x")),
    (417, EXPECTATION,  "9110 10.1.1",  "a parameter",                            login!("Content-Length: 5\r\nExpect: 100-continue;a=b")),

    // Chunks: size line, data, line end.
    (400, SIZE,         "9112 7.1",     "an empty size line is not the end",      chunks!("\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "nor are two of them",                    chunks!("\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "nor is an extension without a size",     chunks!(";a=b\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "an extension without a size",            chunks!(";a=b\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a space in front",                       chunks!(" 5\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a space after it",                       chunks!("5 \r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a tab after it",                         chunks!("5\t\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "0x",                                     chunks!("0x5\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a plus sign",                            chunks!("+5\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a minus sign",                           chunks!("-5\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "an underscore",                          chunks!("0_5\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a point",                                chunks!("5.0\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a second number",                        chunks!("5 5\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a letter beyond F",                      chunks!("g\r\n")),
    (400, SIZE,         "9112 7.1",     "quotes",                                 chunks!("\"5\"\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "a NUL",                                  chunks!("5\0\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 2.2",     "LF alone after the size",                chunks!("5\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 2.2",     "CR alone after the size",                chunks!("5\rhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 2.2",     "CR CR LF after the size",                chunks!("5\r\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 2.2",     "LF alone after the last size",           chunks!("0\n\r\n")),
    (400, TRAILER_LF,   "9112 2.2",     "LF alone for the last line",             chunks!("0\r\n\n")),
    (400, CHUNK_END,    "9112 7.1",     "data longer than its size",              chunks!("5\r\nhello!")),
    (400, CHUNK_END,    "9112 7.1",     "data shorter than its size",             chunks!("6\r\nhello\r\n0\r\n\r\n")),
    (400, CHUNK_END,    "9112 7.1",     "no line end after the data",             chunks!("5\r\nhello0\r\n\r\n")),
    (400, CHUNK_END,    "9112 2.2",     "LF alone after the data",                chunks!("5\r\nhello\n0\r\n\r\n")),
    (400, CHUNK_END,    "9112 2.2",     "CR alone after the data",                chunks!("5\r\nhello\r0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "a semicolon and no name",                chunks!("5;\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "two semicolons",                         chunks!("5;;a\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "a value without a name",                 chunks!("5;=b\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "a name without its value",               chunks!("5;a=\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "a name that is no token",                chunks!("5;a[b]\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "a value that is no token",               chunks!("5;a=b[c]\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "two words",                              chunks!("5;a b\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "a quoted string left open",              chunks!("5;a=\"b\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "its end is escaped",                     chunks!("5;a=\"b\\\"\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "something after a quoted string",        chunks!("5;a=\"b\"c\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "a NUL in an extension",                  chunks!("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "a control character in an extension",    chunks!("5;a\x01\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "DEL in an extension",                    chunks!("5;a=\"\x7F\"\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "LF in an extension",                     chunks!("5;a\nb\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "LF in a quoted string",                  chunks!("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1.1",   "CR in a quoted string",                  chunks!("5;a=\"\r\"\r\nhello\r\n0\r\n\r\n")),
    (413, LONG_BODY,    "9110 15.5.14", "one byte too many",                      chunks!("10001\r\n")),
    (413, LONG_BODY,    "9112 7.1",     "the largest number of 64 bits",          chunks!("FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n")),
    (413, LONG_BODY,    "9112 7.1",     "together more than 64 bits count",       chunks!("5\r\nhello\r\nFFFFFFFFFFFFFFFB\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "2 to the power of 64, and 5",            chunks!("10000000000000005\r\nhello\r\n0\r\n\r\n")),
    (400, SIZE,         "9112 7.1",     "17 digits, although the number is 5",    chunks!("00000000000000005\r\nhello\r\n0\r\n\r\n")),

    // Trailers are checked like header fields.
    (400, TRAILER,      "9112 7.1.2",   "the next request without a line end",    chunks!("0\r\nGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n")),
    (400, TRAILER,      "9112 5.1",     "a space before the colon",               chunks!("0\r\nA : b\r\n\r\n")),
    (400, TRAILER,      "9112 5",       "no colon",                               chunks!("0\r\nA\r\n\r\n")),
    (400, TRAILER,      "9112 5.2",     "a folded line",                          chunks!("0\r\nA: b\r\n c\r\n\r\n")),
    (400, TRAILER,      "9110 5.5",     "a NUL",                                  chunks!("0\r\nA: b\0\r\n\r\n")),
    (400, TRAILER_LF,   "9112 2.2",     "LF alone",                               chunks!("0\r\nA: b\n\r\n")),
    (400, TRAILER,      "9112 2.2",     "CR alone",                               chunks!("0\r\nA: b\rC: d\r\n\r\n")),
    (400, TRAILER,      "9112 2.2",     "CR alone for the last line",             chunks!("0\r\nA: b\r\n\rC: d\r\n\r\n")),
];

/// All rows: those of the table, and too much of everything, which would not fit on a line.
fn rows() -> Vec<Row> {
    let x = |count| "x".repeat(count);
    #[rustfmt::skip]
    let too_much = [
        (414, LONG_LINE,   "9112 3",       "a long target",             get(&format!("/{}", x(8193 - 15)), "")),
        (414, LONG_LINE,   "9112 3",       "a target without end",      format!("GET /{}", x(8193 - 5))),
        (414, LONG_LINE,   "9112 3",       "a long method",             get("/docs", "").replace("GET", &x(8192))),
        (400, FIRST_WORD,  "9112 3",       "a method without end",      x(20_000)),
        (431, LONG_HEAD,   "6585 5",       "a long value",              get("/docs", &format!("A: {}\r\n", x(16_385 - 44)))),
        (431, LONG_HEAD,   "6585 5",       "a long name",               get("/docs", &format!("{}: a\r\n", x(16_384)))),
        (431, LONG_HEAD,   "6585 5",       "a value without end",       format!("GET /docs HTTP/1.1\r\nA: {}", x(16_384 - 23))),
        (431, LONG_HEAD,   "6585 5",       "fields, long and many",     get("/docs", &format!("A: {}\r\n", x(300)).repeat(60))),
        (431, MANY_FIELDS, "6585 5",       "101 fields",                get("/docs", &"A: b\r\n".repeat(100))),
        (413, LONG_BODY,   "9110 15.5.14", "chunks over the limit",     chunked(&format!("10000\r\n{}\r\n1\r\n", x(65_536)))),
        (400, LONG_SIZES,  "9112 7.1.1",   "a long extension",          chunked(&format!("5;{}\r\nhello\r\n0\r\n\r\n", x(16_385 - 7)))),
        (400, LONG_SIZES,  "9112 7.1.1",   "an extension without end",  chunked(&format!("5;{}", x(20_000)))),
        (400, LONG_SIZES,  "9112 7.1.1",   "many extensions",           chunked(&(format!("1;{}\r\na\r\n", x(100)).repeat(170) + "0\r\n\r\n"))),
        (400, LONG_SIZES,  "9112 7.1",     "a size of zeros alone",     chunked(&"0".repeat(20_000))),
        (400, SIZE,        "9112 7.1.1",   "wrong before it is long",   chunked(&format!("1F40;{}\r\n{}\r\n1;\0{}\r\n", x(16_350), x(8000), x(8000)))),
        (431, TRAILERS,    "9110 5.4",     "a long trailer",            chunked(&format!("0\r\nA: {}\r\n\r\n", x(8193 - 7)))),
        (431, TRAILERS,    "9110 5.4",     "a trailer without end",     chunked(&format!("0\r\nA: {}", x(20_000)))),
        (431, TRAILERS,    "9110 5.4",     "101 trailers",              chunked(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(101)))),
    ];
    let too_much = too_much.map(|(status, message, section, why, text)| {
        (status, message, section, why, &*text.into_bytes().leak()) // as in the table
    });
    [REFUSED, &too_much].concat()
}

/// The same as `chunks!` for what does not fit into a literal.
fn chunked(chunks: &str) -> String {
    format!("POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

/// What the smuggled request asks for; its response would be 200.
const SMUGGLED: &[u8] = b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The head and the body of a refusal whose body is this line.
fn head_and_body(line: &str) -> [String; 2] {
    let (status, length) = (line.split(':').next().unwrap_or_default(), line.len() + 1);
    let head = format!(
        "HTTP/1.1 {status}\r\ndate: now\r\ncontent-length: {length}\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n"
    );
    [head, format!("{line}\n")]
}

/// A refusal for people: its one line, if all the rest is as it has to be.
fn shown(text: &str) -> String {
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim_end());
    if head_and_body(body).concat() == text { body.into() } else { text.escape_debug().to_string() }
}

fn status_text(status: u16) -> &'static str {
    match status {
        400 => "400 Bad Request",
        413 => "413 Content Too Large",
        414 => "414 URI Too Long",
        417 => "417 Expectation Failed",
        431 => "431 Request Header Fields Too Large",
        501 => "501 Not Implemented",
        505 => "505 HTTP Version Not Supported",
        _ => panic!("no row has the status {status}"),
    }
}

/// What is wrong with what this client gets, to whom a row was sent.
fn fault((status, message, section, why, bytes): &Row, client: &mut Client) -> Option<String> {
    let name = format!("RFC {section}, {why}: {}", bytes[..bytes.len().min(160)].escape_ascii());
    let got = client.everything_dated_now(&name);
    let expected = head_and_body(&format!("{}: {message}", status_text(*status))).concat();
    let (should, gets) = (shown(&expected), shown(&got));
    (got != expected).then(|| format!("{name}\n  should get: {should}\n  but gets:   {gets}\n"))
}

/// Fails with everything that was found, not with the first alone.
fn assert_no_faults(faults: impl Iterator<Item = String>) {
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "wrong rows: {}\n\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn what_http_forbids_is_refused_with_a_reason_and_the_connection_ends() {
    let server = TestServer::start();
    assert_no_faults(rows().iter().filter_map(|row| {
        let mut client = server.connect();
        client.send(&[row.4, SMUGGLED].concat());
        fault(row, &mut client)
    }));
}

/// With nothing after the bytes: a wrong byte is answered when it comes, and no one waits for the end
/// of what has none. In 300 pieces, all rows but the longest come byte by byte.
#[test]
fn what_is_refused_is_refused_the_same_wherever_it_is_cut() {
    let (server, rows) = (TestServer::start(), rows());
    let mut faults = Vec::new();
    for (count, pause) in [(1, 1), (2, 20), (3, 20), (5, 20), (300, 1)] {
        for rows in rows.chunks(100) {
            faults.extend(faults_in_pieces(&server, rows, count, Duration::from_millis(pause)));
        }
    }
    assert_no_faults(faults.into_iter());
}

/// Sends each row on a connection of its own, in so many pieces of one length. The server reads a
/// piece in the pause after it.
fn faults_in_pieces(server: &TestServer, rows: &[Row], count: usize, pause: Duration) -> Vec<String> {
    let pieces = |bytes: &'static [u8]| bytes.chunks(bytes.len().div_ceil(count));
    let mut clients: Vec<_> = rows.iter().map(|row| (row, server.connect(), pieces(row.4))).collect();
    for _ in 0..count {
        for (_, client, pieces) in &mut clients {
            client.send(pieces.next().unwrap_or_default());
        }
        thread::sleep(pause);
    }
    let faults = clients.iter_mut().filter_map(|(row, client, _)| fault(row, client));
    faults.map(|fault| format!("In {count} pieces: {fault}")).collect()
}

/// The limit holds for what comes in one packet as well.
#[test]
fn a_head_over_the_limit_is_refused_although_it_is_whole() {
    let address = serve(Limits { head: 256, ..Limits::DEFAULT }, app);
    for (length, status) in [(256, 200), (257, 431)] {
        let mut client = Client::connect(address);
        client.send(get("/docs", &format!("A: {}\r\n", "x".repeat(length - 44))).as_bytes());
        assert_eq!(client.response().status, status, "{length}");
    }
}

/// RFC 9110 §9.3.2: a response to HEAD has no body, a refusal neither. What cannot be read as far as
/// the word HEAD gets one. Both in one piece, and byte by byte.
#[rustfmt::skip]
#[test]
fn a_refused_head_is_told_so_without_a_body() {
    let server = TestServer::start();
    for (status, message, has_body, bytes) in [
        (400, NO_HOST,      false, &b"HEAD /docs HTTP/1.1\r\n\r\n"[..]),
        (400, NO_HOST,      false, b"\r\n\r\nHEAD /docs HTTP/1.1\r\n\r\n"),
        (417, EXPECTATION,  false, b"HEAD /docs HTTP/1.1\r\nHost: localhost\r\nExpect: x\r\n\r\n"),
        (505, VERSION,      false, b"HEAD /docs HTTP/2.0\r\n\r\n"),
        (400, REQUEST_LINE, false, b"HEAD  /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, SIZE,         false, b"HEAD /docs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
        (400, REQUEST_LINE, true,  b" HEAD /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, REQUEST_LINE, true,  b"HEAD\t/docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, LF_ALONE,     true,  b"\n   HEAD /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, LF_ALONE,     true,  b"\nHEAD /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, EMPTY_LINES,  true,  b"\r\n\r\n\r\n\r\n\r\nHEAD /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ] {
        let [head, body] = head_and_body(&format!("{}: {message}", status_text(status)));
        let expected = if has_body { head + &body } else { head };
        for size in [bytes.len(), 1] {
            let mut client = server.connect();
            for piece in bytes.chunks(size) {
                client.send(piece);
            }
            let sent = format!("{} in pieces of {size}", bytes.escape_ascii());
            assert_eq!(client.everything_dated_now(&sent), expected, "{sent}");
        }
    }
}

/// RFC 9112 §8: a request that ends too early is refused, and says of what the end is missing.
#[rustfmt::skip]
#[test]
fn a_request_that_ends_too_early_is_told_where() {
    const HEAD_ENDS: &str = "The connection ends before the head of the request does.";
    const BODY_ENDS: &str = "The connection ends before the body of the request does.";
    let server = TestServer::start();
    for row in [
        (400, HEAD_ENDS, "9112 8", "a letter",                  &b"G"[..]),
        (400, HEAD_ENDS, "9112 8", "a request line",            b"GET /docs HTTP/1.1\r\n"),
        (400, HEAD_ENDS, "9112 8", "no empty line",             b"GET /docs HTTP/1.1\r\nHost: localhost\r\n"),
        (400, HEAD_ENDS, "9112 8", "half an empty line",        b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r"),
        (400, BODY_ENDS, "9112 8", "no body",                   b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"),
        (400, BODY_ENDS, "9112 8", "four bytes of five",        b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhell"),
        (400, BODY_ENDS, "9112 8", "no chunk",                  chunks!("")),
        (400, BODY_ENDS, "9112 8", "no last chunk",             chunks!("5\r\nhello\r\n")),
        (400, BODY_ENDS, "9112 8", "half a chunk",              chunks!("5\r\nhel")),
        (400, BODY_ENDS, "9112 8", "trailers without an end",   chunks!("0\r\nA: b\r\n")),
    ] {
        let mut client = server.connect();
        client.send(row.4);
        client.finish_sending();
        assert_no_faults(fault(&row, &mut client).into_iter());
    }
}

/// RFC 9112 §9.6: were the connection closed at once, what the client still sends would reset it,
/// and the reset can destroy the response before the client has read it.
#[test]
fn a_client_that_is_still_sending_can_finish_and_read_why_it_was_refused() -> io::Result<()> {
    let server = TestServer::start();
    let mut client = server.connect();
    client.stream.write_all(b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 163840\r\n\r\n")?;
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(10));
        client.stream.write_all(&[b'x'; 16 * 1024])?;
    }
    assert_eq!(client.response().status, 413);
    Ok(())
}

/// Requests that are taken: what each is the neighbour of, the status of its response, and the bytes.
#[rustfmt::skip]
const TAKEN: &[(&str, u16, &[u8])] = &[
    ("a line of nothing but empty elements",    422, login!("Transfer-Encoding: ,\r\nTransfer-Encoding: chunked")),
    ("empty elements in Expect",                422, login!("Content-Length: 5\r\nExpect: , 100-continue ,")),
    ("empty elements in Connection",            200, headers!("Host: localhost\r\nConnection: , ,")),
    ("four empty lines",                        200, b"\r\n\r\n\r\n\r\nGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("and four more, later",                    200, b"\r\n\r\n\r\n\r\nGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("HTTP/1.5, which is 1.1 and has chunks",   422, b"POST /token HTTP/1.5\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("every byte a browser sends in a query",   200, line!("GET /docs?a=%22{}|^[]\\`'()*!$&,;:@/?~ HTTP/1.1")),
    ("an escape that is none; RFC 9112 3 would rather have 400", 404, line!("GET /doc%+73 HTTP/1.1")),
    ("and half an escape",                      404, line!("GET /docs%7 HTTP/1.1")),
    ("escapes that need not be",                200, line!("GET /%64oc%73 HTTP/1.1")),
    ("an escape that is escaped",               404, line!("GET /%2564ocs HTTP/1.1")),
    ("an empty query",                          200, line!("GET /docs? HTTP/1.1")),
    ("a scheme in capitals, and an empty port", 200, line!("GET HTTP://EXAMPLE.com:/docs?a=b HTTP/1.1")),
    ("an absolute form with an IPv6 address",   200, line!("GET http://[::1]:8000/docs HTTP/1.1")),
    ("two slashes after its host",              404, line!("GET http://localhost//docs HTTP/1.1")),
    ("an IPv6 address",                         200, headers!("Host: [::ffff:127.0.0.1]")),
    ("everything a registered name may hold",   200, headers!("Host: aZ09-._~!$&'()*+,;=")),
    ("Host in capitals",                        200, headers!("HOST:localhost")),
    ("every character of a token in a name",    200, headers!("Host: localhost\r\naZ09!#$%&'*+-.^_`|~: b")),
    ("a name that only looks like a length",    200, headers!("Host: localhost\r\nContent_Length: 5\r\nX-Content-Length: 7")),
    ("leading zeros",                           422, login!("Content-Length: 00000000000000000000000005")),
    ("leading zeros of a size",                 422, chunks!("0005\r\nhello\r\n00\r\n\r\n")),
    ("a coding in any letter case",             422, login!("TRANSFER-ENCODING: Chunked")),
    ("a tab in an extension",                   422, chunks!("5\t;\ta\t=\tb\r\nhello\r\n0\r\n\r\n")),
    ("every character of a token in one",       422, chunks!("5;!#$%&'*+-.^_`|~09azAZ\r\nhello\r\n0;a;b=c\r\n\r\n")),
    ("quoted strings, with a quote and empty",  422, chunks!("5;a=\"b\\\" = c\"\r\nhello\r\n0;a=\"\"\r\n\r\n")),
    ("trailers that would change everything",   422, chunks!("5\r\nhello\r\n0\r\nConnection: close\r\nContent-Length: 5\r\n\r\n")),
    ("a line end as data",                      422, chunks!("2\r\n\r\n\r\n0\r\n\r\n")),
];

fn assert_taken(client: &mut Client, status: u16, why: &str, bytes: &[u8]) {
    client.send(bytes);
    client.send(SMUGGLED); // no longer smuggled: the next request
    let response = client.response();
    assert_eq!(response.status, status, "{why}: {}", response.text());
    assert_eq!(response.header("connection"), None, "{why}");
    assert_eq!(client.response().status, 200, "after {why}");
}

#[test]
fn the_valid_neighbours_of_what_is_refused_are_taken() {
    let server = TestServer::start();
    let mut client = server.connect();
    for &(why, status, bytes) in TAKEN {
        assert_taken(&mut client, status, why, bytes);
    }
}

/// A byte less than each limit forbids.
#[rustfmt::skip]
#[test]
fn the_neighbours_of_too_much_are_taken() {
    let server = TestServer::start();
    let mut client = server.connect();
    let x = |count| "x".repeat(count);
    for (status, why, request) in [
        // RFC 9112 §3 recommends 8,000 bytes at least.
        (200, "a request line of 8,192 bytes",     get(&format!("/docs?{}", x(8192 - 20)), "")),
        (200, "a head of 16,384 bytes",            get("/docs", &format!("A: {}\r\n", x(16_384 - 44)))),
        (200, "100 header fields",                 get("/docs", &"A: b\r\n".repeat(99))),
        (422, "chunk-size lines of 16,384 bytes",  chunked(&format!("5;{}\r\nhello\r\n0\r\n\r\n", x(16_384 - 7)))),
        (200, "a body of 65,536 bytes",            get("/docs", "Content-Length: 65536\r\n") + &x(65_536)),
        (422, "a body of 65,536 bytes in chunks",  chunked(&format!("FFFF\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", x(65_535)))),
        (422, "trailers of 8,192 bytes",           chunked(&format!("0\r\nA: {}\r\n\r\n", x(8192 - 7)))),
        (422, "100 trailers",                      chunked(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(100)))),
    ] {
        assert_taken(&mut client, status, why, request.as_bytes());
    }
}
