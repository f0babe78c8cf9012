//! What the server does not take: one table of bytes and the status that they get.
//!
//! After a refusal nobody knows where the next request begins, so each one also ends the
//! connection. A request that is smuggled in behind the refused bytes is never answered.
//!
//! What a row forbids often has a harmless neighbour; those are at the end, and are taken.

mod support;

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use simple_oauth2::server::Limits;
use support::{Client, PATIENCE, TestServer, serve_with};

/// A refusal: the status, the place in the RFC that asks for it or allows it, a word on why, and
/// the bytes.
type Row = (u16, &'static str, &'static str, &'static [u8]);

/// A request with this request line.
macro_rules! line {
    ($line:literal) => {
        concat!($line, "\r\nHost: localhost\r\n\r\n").as_bytes()
    };
}

/// A request with these header lines and no other.
macro_rules! headers {
    ($lines:literal) => {
        concat!("GET /docs HTTP/1.1\r\n", $lines, "\r\n\r\n").as_bytes()
    };
}

/// A login with these header lines, and five bytes behind its head, which are a body for whoever
/// counts to five and a body for whoever reads chunks.
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

// A row is a line: a table is read down its columns.
#[rustfmt::skip]
const REFUSED: &[Row] = &[
    // Line ends. Whoever takes less than CR LF for one sees other lines than a stricter reader in front of it.
    (400, "9112 2.2", "LF alone after the request line",       b"GET /docs HTTP/1.1\nHost: localhost\r\n\r\n"),
    (400, "9112 2.2", "LF alone after a header line",          b"GET /docs HTTP/1.1\r\nHost: localhost\nA: b\r\n\r\n"),
    (400, "9112 2.2", "LF alone for the empty line",           b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\n"),
    (400, "9112 2.2", "LF alone everywhere",                   b"GET /docs HTTP/1.1\nHost: localhost\n\n"),
    (400, "9112 2.2", "LF alone before the request line",      b"\nGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, "9112 2.2", "LF CR",                                 b"GET /docs HTTP/1.1\n\rHost: localhost\n\r\n\r"),
    (400, "9112 2.2", "CR alone after the request line",       b"GET /docs HTTP/1.1\rHost: localhost\r\n\r\n"),
    (400, "9112 2.2", "CR alone in the request line",          b"GET /do\rcs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, "9112 2.2", "CR alone in a value",                   b"GET /docs HTTP/1.1\r\nHost: localhost\r\nA: b\rC: d\r\n\r\n"),
    (400, "9112 2.2", "CR alone for the empty line",           b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\rA: b\r\n\r\n"),
    (400, "9112 2.2", "CR CR LF",                              b"GET /docs HTTP/1.1\r\r\nHost: localhost\r\n\r\n"),
    (400, "9112 2.2", "CR alone before the request line",      b"\rGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, "9112 2.2", "five empty lines, one too many",        b"\r\n\r\n\r\n\r\n\r\nGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),

    // The request line: method, blank, target, blank, version.
    (400, "9112 3",   "a blank in front",                      line!(" GET /docs HTTP/1.1")),
    (400, "9112 3",   "a tab in front",                        line!("\tGET /docs HTTP/1.1")),
    (400, "9112 3",   "two blanks before the target",          line!("GET  /docs HTTP/1.1")),
    (400, "9112 3",   "two blanks before the version",         line!("GET /docs  HTTP/1.1")),
    (400, "9112 3",   "a tab for a blank",                     line!("GET\t/docs HTTP/1.1")),
    (400, "9112 3",   "a tab for the other blank",             line!("GET /docs\tHTTP/1.1")),
    (400, "9112 3",   "a blank at the end",                    line!("GET /docs HTTP/1.1 ")),
    (400, "9112 3",   "a fourth word",                         line!("GET /docs HTTP/1.1 HTTP/1.1")),
    (400, "9112 3",   "a blank in the target",                 line!("GET /do cs HTTP/1.1")),
    (400, "9112 3",   "no target",                             line!("GET HTTP/1.1")),
    (400, "9112 3",   "no version, as in HTTP/0.9",            line!("GET /docs")),
    (400, "9112 3",   "nothing but a method",                  line!("GET")),
    (400, "9110 9.1", "a method that is no token",             line!("GE(T /docs HTTP/1.1")),
    (400, "9110 9.1", "a method in quotes",                    line!("\"GET\" /docs HTTP/1.1")),
    (400, "9110 9.1", "a method with a NUL",                   line!("GET\0 /docs HTTP/1.1")),
    (400, "9110 9.1", "a byte order mark",                     b"\xEF\xBB\xBFGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),

    // Other protocols on this port.
    (505, "9110 15.6.6", "the preface of HTTP/2",              b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    (400, "9112 3",   "a TLS ClientHello: https on this port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\xA5\r\n\r\n"),
    (400, "9112 3",   "JSON",                                  b"{\"username\":\"johndoe\"}\r\n\r\n"),
    (400, "9112 3",   "SSH",                                   b"SSH-2.0-OpenSSH_9.9\r\n"),
    (400, "9112 3",   "SOCKS",                                 b"\x05\x01\x00\r\n"),
    (400, "9112 3",   "the line a TCP proxy puts in front",    line!("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443")),
    (400, "9112 3",   "an answer",                             line!("HTTP/1.1 200 OK")),

    // The version.
    (505, "9110 15.6.6", "HTTP/2.0",                           line!("GET /docs HTTP/2.0")),
    (505, "9110 15.6.6", "HTTP/3.0",                           line!("GET /docs HTTP/3.0")),
    (505, "9110 15.6.6", "HTTP/0.9",                           line!("GET /docs HTTP/0.9")),
    (505, "9110 15.6.6", "HTTP/9.9",                           line!("GET /docs HTTP/9.9")),
    (400, "9112 2.3", "the name in lower case",                line!("GET /docs http/1.1")),
    (400, "9112 2.3", "mixed case",                            line!("GET /docs Http/1.1")),
    (400, "9112 2.3", "no minor version",                      line!("GET /docs HTTP/1")),
    (400, "9112 2.3", "no minor version of another major",     line!("GET /docs HTTP/2")),
    (400, "9112 2.3", "a point and no minor version",          line!("GET /docs HTTP/1.")),
    (400, "9112 2.3", "two digits of minor version",           line!("GET /docs HTTP/1.10")),
    (400, "9112 2.3", "two digits of major version",           line!("GET /docs HTTP/11.1")),
    (400, "9112 2.3", "a leading zero",                        line!("GET /docs HTTP/01.1")),
    (400, "9112 2.3", "no digit",                              line!("GET /docs HTTP/1.x")),
    (400, "9112 2.3", "a comma for the point",                 line!("GET /docs HTTP/1,1")),
    (400, "9112 2.3", "no slash",                              line!("GET /docs HTTP1.1")),
    (400, "9112 2.3", "a backslash for the slash",             line!("GET /docs HTTP\\1.1")),
    (400, "9112 2.3", "another protocol",                      line!("GET /docs HTTPS/1.1")),

    // The target.
    (400, "9112 3.2",   "no slash in front",                   line!("GET docs HTTP/1.1")),
    (400, "9112 3.2",   "a query alone",                       line!("GET ?a=b HTTP/1.1")),
    (400, "9112 3.2",   "a fragment",                          line!("GET /docs#part HTTP/1.1")),
    (400, "9112 3.2",   "an empty fragment",                   line!("GET /docs# HTTP/1.1")),
    (400, "9112 3.2.4", "the asterisk belongs to OPTIONS",     line!("GET * HTTP/1.1")),
    (400, "9112 3.2.4", "POST to the asterisk",                line!("POST * HTTP/1.1")),
    (400, "9112 3.2.4", "the asterisk with a query",           line!("OPTIONS *?a=b HTTP/1.1")),
    (400, "9112 3.2.3", "a host and port belong to CONNECT",   line!("GET localhost:8000 HTTP/1.1")),
    (501, "9110 9.3.6", "CONNECT: this is no proxy",           line!("CONNECT localhost:443 HTTP/1.1")),
    (501, "9110 9.3.6", "CONNECT to an IPv6 address",          line!("CONNECT [::1]:443 HTTP/1.1")),
    (400, "9112 3.2.3", "CONNECT to a path",                   line!("CONNECT /docs HTTP/1.1")),
    (400, "9112 3.2.3", "CONNECT without a port",              line!("CONNECT localhost HTTP/1.1")),
    (400, "9112 3.2.3", "CONNECT with an empty port",          line!("CONNECT localhost: HTTP/1.1")),
    (400, "9112 3.2.3", "CONNECT with a scheme",               line!("CONNECT http://localhost:80 HTTP/1.1")),
    (400, "9112 3.2.3", "CONNECT with a user",                 line!("CONNECT me@localhost:443 HTTP/1.1")),
    (400, "9110 4.2.4", "a user in an absolute form",          line!("GET http://me@localhost/docs HTTP/1.1")),
    (400, "9110 4.2.4", "a user and a password",               line!("GET http://me:hush@localhost/docs HTTP/1.1")),
    (400, "9110 4.2.1", "an absolute form without a host",     line!("GET http:///docs HTTP/1.1")),
    (400, "9110 4.2.1", "and without anything",                line!("GET http:// HTTP/1.1")),
    (400, "9110 4.2.1", "a port and no host",                  line!("GET http://:8000/docs HTTP/1.1")),
    (400, "9112 3.2.2", "a port that is no number",            line!("GET http://localhost:8x/docs HTTP/1.1")),
    (400, "9112 3.2.2", "an IPv6 address left open",           line!("GET http://[::1/docs HTTP/1.1")),
    (400, "9112 3.2.2", "a fragment in an absolute form",      line!("GET http://localhost/docs#part HTTP/1.1")),
    (400, "9110 7.4",   "https, but nothing was encrypted",    line!("GET https://localhost/docs HTTP/1.1")),
    (400, "9112 3.2.2", "another scheme",                      line!("GET ftp://localhost/docs HTTP/1.1")),
    (400, "9112 3.2.2", "one slash",                           line!("GET http:/localhost/docs HTTP/1.1")),
    (400, "3986 2",     "a double quote",                      line!("GET /docs?\" HTTP/1.1")),
    (400, "3986 2",     "less than",                           line!("GET /docs?< HTTP/1.1")),
    (400, "3986 2",     "greater than",                        line!("GET /docs?> HTTP/1.1")),
    (400, "3986 2",     "raw UTF-8",                           b"GET /docs?\xC3\xA9 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, "3986 2",     "raw Latin-1",                         b"GET /docs?\xE9 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (400, "3986 2",     "a NUL",                               line!("GET /docs\0 HTTP/1.1")),
    (400, "3986 2",     "a control character",                 line!("GET /docs\x1B[2J HTTP/1.1")),
    (400, "3986 2",     "DEL",                                 line!("GET /docs\x7F HTTP/1.1")),

    // Header lines: name, colon, value.
    (400, "9112 5.1", "a blank before the colon",              headers!("Host: localhost\r\nA : b")),
    (400, "9112 5.1", "a tab before the colon",                headers!("Host: localhost\r\nA\t: b")),
    (400, "9112 5.1", "the classic of smuggling",              login!("Transfer-Encoding : chunked\r\nContent-Length: 5")),
    (400, "9112 5.1", "and the other way round",               login!("Content-Length : 5")),
    (400, "9112 5.1", "a Host that some would overlook",       headers!("Host : localhost")),
    (400, "9112 5",   "no colon",                              headers!("Host: localhost\r\nA")),
    (400, "9112 5",   "no name",                               headers!("Host: localhost\r\n: b")),
    (400, "9110 5.1", "a blank in the name",                   headers!("Host: localhost\r\nA b: c")),
    (400, "9110 5.1", "a bracket in the name",                 headers!("Host: localhost\r\nA(b): c")),
    (400, "9110 5.1", "a NUL in the name",                     headers!("Host: localhost\r\nA\0: c")),
    (400, "9110 5.1", "a letter that is not ASCII",            headers!("Host: localhost\r\nÄ: c")),
    (400, "9112 5.2", "a folded line",                         headers!("Host: localhost\r\nA: b\r\n c")),
    (400, "9112 5.2", "a line folded with a tab",              headers!("Host: localhost\r\nA: b\r\n\tc")),
    (400, "9112 5.2", "a folded line of blanks",               headers!("Host: localhost\r\nA: b\r\n ")),
    (400, "9112 5.2", "a coding folded away",                  login!("Transfer-Encoding:\r\n chunked")),
    (400, "9112 2.2", "white space before the first line",     headers!(" Host: localhost")),
    (400, "9112 2.2", "a blank line that is not empty",        headers!(" \r\nHost: localhost")),
    (400, "9110 5.5", "a NUL in a value",                      headers!("Host: localhost\r\nA: b\0c")),
    (400, "9110 5.5", "another control character",             headers!("Host: localhost\r\nA: b\x01c")),
    (400, "9110 5.5", "an escape sequence",                    headers!("Host: localhost\r\nA: \x1B[31m")),
    (400, "9110 5.5", "a vertical tab before a value",         login!("Transfer-Encoding: \x0Bchunked")),
    (400, "9110 5.5", "a form feed before a value",            login!("Transfer-Encoding: \x0Cchunked")),
    (400, "9110 5.5", "DEL",                                   headers!("Host: localhost\r\nA: b\x7F")),

    // Host: exactly one, and a host. Two servers that read different ones can be played against each other.
    (400, "9112 3.2", "none",                                  headers!("A: b")),
    (400, "9112 3.2", "none, beside an absolute form",         b"GET http://localhost/docs HTTP/1.1\r\n\r\n"),
    (400, "9112 3.2", "two",                                   headers!("Host: localhost\r\nHost: example.com")),
    (400, "9112 3.2", "two that are equal",                    headers!("Host: localhost\r\nhost: localhost")),
    (400, "9112 3.2", "two in HTTP/1.0",                       b"GET /docs HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
    (400, "9112 3.3", "an empty one",                          headers!("Host:")),
    (400, "9112 3.3", "an empty one in HTTP/1.0",              b"GET /docs HTTP/1.0\r\nHost: \r\n\r\n"),
    (400, "9110 7.2", "a port without a host",                 headers!("Host: :8000")),
    (400, "9110 7.2", "a user",                                headers!("Host: me@localhost")),
    (400, "9110 7.2", "a scheme",                              headers!("Host: http://localhost")),
    (400, "9110 7.2", "a path",                                headers!("Host: localhost/docs")),
    (400, "9110 7.2", "a query",                               headers!("Host: localhost?a")),
    (400, "9110 7.2", "a fragment",                            headers!("Host: localhost#a")),
    (400, "9110 7.2", "a list",                                headers!("Host: localhost, example.com")),
    (400, "9110 7.2", "a blank inside",                        headers!("Host: local host")),
    (400, "9110 7.2", "a port that is no number",              headers!("Host: localhost:8x")),
    (400, "9110 7.2", "a port with a sign",                    headers!("Host: localhost:+80")),
    (400, "9110 7.2", "two ports",                             headers!("Host: localhost:80:80")),
    (400, "3986 3.2.2", "an IPv6 address without brackets",    headers!("Host: ::1")),
    (400, "3986 3.2.2", "an IPv6 address left open",           headers!("Host: [::1")),
    (400, "3986 3.2.2", "brackets with nothing in them",       headers!("Host: []")),
    (400, "3986 3.2.2", "brackets with a name in them",        headers!("Host: [localhost]")),
    (400, "3986 3.2.2", "something between bracket and port",  headers!("Host: [::1]a:80")),
    (400, "3986 3.2.2", "a broken escape",                     headers!("Host: local%2")),
    (400, "3986 3.2.2", "an escape of no digits",              headers!("Host: local%zzhost")),
    (400, "3986 3.2.2", "a double quote",                      headers!("Host: \"localhost\"")),
    (400, "3986 3.2.2", "a backslash",                         headers!("Host: localhost\\docs")),
    (400, "3986 3.2.2", "angle brackets",                      headers!("Host: <script>")),
    (400, "3986 3.2.2", "a bar",                               headers!("Host: a|b")),
    (400, "3986 3.2.2", "bytes above 7F",                      headers!("Host: löcalhost")),

    // Content-Length: one number in digits.
    (400, "9110 8.6", "a plus sign",                           login!("Content-Length: +5")),
    (400, "9110 8.6", "a minus sign",                          login!("Content-Length: -5")),
    (400, "9110 8.6", "minus zero",                            login!("Content-Length: -0")),
    (400, "9110 8.6", "nothing",                               login!("Content-Length:")),
    (400, "9110 8.6", "blanks",                                login!("Content-Length:   ")),
    (400, "9110 8.6", "hexadecimal",                           login!("Content-Length: 0x5")),
    (400, "9110 8.6", "a fraction",                            login!("Content-Length: 5.0")),
    (400, "9110 8.6", "an exponent",                           login!("Content-Length: 5e0")),
    (400, "9110 8.6", "an underscore",                         login!("Content-Length: 0_5")),
    (400, "9110 8.6", "a blank inside",                        login!("Content-Length: 5 5")),
    (400, "9110 8.6", "quotes",                                login!("Content-Length: \"5\"")),
    (400, "9110 8.6", "a parameter",                           login!("Content-Length: 5;a=b")),
    (400, "9110 8.6", "a word",                                login!("Content-Length: five")),
    (400, "9110 8.6", "digits of another alphabet",            login!("Content-Length: ٥")),
    (400, "9112 6.3", "two values",                            login!("Content-Length: 5, 6")),
    (400, "9112 6.3", "two lines",                             login!("Content-Length: 5\r\nContent-Length: 6")),
    (400, "9112 6.3", "two lines in another letter case",      login!("Content-Length: 0\r\ncontent-length: 5")),
    (400, "9110 8.6", "the same value twice",                  login!("Content-Length: 5, 5")),
    (400, "9110 8.6", "the same line twice",                   login!("Content-Length: 5\r\nContent-Length: 5")),
    (400, "9110 8.6", "a comma and nothing",                   login!("Content-Length: 5,")),
    (400, "9112 6.3", "a wrong one in HTTP/1.0",               b"POST /token HTTP/1.0\r\nContent-Length: +5\r\n\r\n0\r\n\r\n"),
    (400, "9112 6.3", "a wrong one in a GET",                  headers!("Host: localhost\r\nContent-Length: x")),
    (413, "9110 15.5.14", "one byte too many",                 login!("Content-Length: 65537")),
    (413, "9110 15.5.14", "no 100 before it",                  login!("Content-Length: 65537\r\nExpect: 100-continue")),
    (413, "9110 8.6", "2 to the power of 32, and 5",           login!("Content-Length: 4294967301")),
    (413, "9110 8.6", "2 to the power of 64, and 5",           login!("Content-Length: 18446744073709551621")),
    (413, "9110 8.6", "more than any machine counts",          login!("Content-Length: 99999999999999999999999999999999999999")),
    (413, "9110 15.5.14", "too much for a GET as well",        headers!("Host: localhost\r\nContent-Length: 65537")),

    // Transfer-Encoding: chunked, once and last.
    (400, "9112 6.1", "Content-Length beside it",              login!("Transfer-Encoding: chunked\r\nContent-Length: 5")),
    (400, "9112 6.1", "Content-Length in front of it",         login!("Content-Length: 5\r\nTransfer-Encoding: chunked")),
    (400, "9112 6.1", "a Content-Length of zero beside it",    login!("Transfer-Encoding: chunked\r\nContent-Length: 0")),
    (400, "9112 6.1", "HTTP/1.0 does not know it",             b"POST /token HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (400, "9112 6.3", "not chunked: a body without end",       login!("Transfer-Encoding: gzip")),
    (400, "9112 6.3", "identity, which is no more",            login!("Transfer-Encoding: identity")),
    (400, "9112 6.3", "not chunked, but nearly",               login!("Transfer-Encoding: xchunked")),
    (400, "9112 6.3", "a blank inside",                        login!("Transfer-Encoding: chunk ed")),
    (400, "9112 6.3", "in quotes",                             login!("Transfer-Encoding: \"chunked\"")),
    (400, "9112 6.3", "nothing",                               login!("Transfer-Encoding:")),
    (400, "9112 6.3", "chunked, but not last",                 login!("Transfer-Encoding: chunked, gzip")),
    (400, "9112 6.3", "chunked, but not in the last line",     login!("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")),
    (400, "9112 6.1", "chunked twice",                         login!("Transfer-Encoding: chunked, chunked")),
    (400, "9112 6.1", "chunked twice, in two lines",           login!("Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked")),
    (400, "9112 6.1", "chunked twice, with one between",       login!("Transfer-Encoding: chunked, gzip, chunked")),
    (400, "9112 7.1", "chunked has no parameters",             login!("Transfer-Encoding: chunked;a=b")),
    (400, "9112 6.1", "chunked twice, once with a parameter",  login!("Transfer-Encoding: chunked;a=b, chunked")),
    (400, "9110 5.6.1", "an empty element, which some skip",   login!("Transfer-Encoding: , chunked")),
    (400, "9110 5.6.1", "an empty element at the end",         login!("Transfer-Encoding: chunked,")),
    (501, "9112 6.1", "a coding that is not known here",       login!("Transfer-Encoding: gzip, chunked")),
    (501, "9112 6.1", "in two lines",                          login!("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked")),
    (501, "9112 6.1", "with a parameter",                      login!("Transfer-Encoding: br;q=1, chunked")),

    // Expect: 100-continue is the only expectation.
    (417, "9110 10.1.1", "another one",                        login!("Content-Length: 5\r\nExpect: 200-ok")),
    (417, "9110 10.1.1", "another one beside it",              login!("Content-Length: 5\r\nExpect: 100-continue, x")),
    (417, "9110 10.1.1", "a parameter",                        login!("Content-Length: 5\r\nExpect: 100-continue;a=b")),

    // Chunks: size line, data, line end.
    (400, "9112 7.1", "an empty size line is not the end",     chunks!("\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "nor are two of them",                   chunks!("\r\n\r\n")),
    (400, "9112 7.1", "nor is an extension without a size",    chunks!(";a=b\r\n\r\n")),
    (400, "9112 7.1", "an extension without a size",           chunks!(";a=b\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a blank in front",                      chunks!(" 5\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a blank behind",                        chunks!("5 \r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a tab behind",                          chunks!("5\t\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "0x",                                    chunks!("0x5\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a plus sign",                           chunks!("+5\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a minus sign",                          chunks!("-5\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "an underscore",                         chunks!("0_5\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a point",                               chunks!("5.0\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a second number",                       chunks!("5 5\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a letter beyond F",                     chunks!("g\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "quotes",                                chunks!("\"5\"\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "a NUL",                                 chunks!("5\0\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 2.2", "LF alone after the size",               chunks!("5\nhello\r\n0\r\n\r\n")),
    (400, "9112 2.2", "CR alone after the size",               chunks!("5\rhello\r\n0\r\n\r\n")),
    (400, "9112 2.2", "CR CR LF after the size",               chunks!("5\r\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 2.2", "LF alone after the last size",          chunks!("0\n\r\n")),
    (400, "9112 2.2", "LF alone for the last line",            chunks!("0\r\n\n")),
    (400, "9112 7.1", "data longer than its size",             chunks!("5\r\nhello!\r\n0\r\n\r\n")),
    (400, "9112 7.1", "data shorter than its size",            chunks!("6\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1", "no line end after the data",            chunks!("5\r\nhello0\r\n\r\n")),
    (400, "9112 2.2", "LF alone after the data",               chunks!("5\r\nhello\n0\r\n\r\n")),
    (400, "9112 2.2", "CR alone after the data",               chunks!("5\r\nhello\r0\r\n\r\n")),
    (400, "9112 7.1.1", "a semicolon and no name",             chunks!("5;\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "two semicolons",                      chunks!("5;;a\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "a value without a name",              chunks!("5;=b\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "a name without its value",            chunks!("5;a=\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "a name that is no token",             chunks!("5;a[b]\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "a value that is no token",            chunks!("5;a=b[c]\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "two words",                           chunks!("5;a b\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "a quoted string left open",           chunks!("5;a=\"b\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "its end is escaped",                  chunks!("5;a=\"b\\\"\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "something behind a quoted string",    chunks!("5;a=\"b\"c\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "a NUL in an extension",               chunks!("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "a control character in an extension", chunks!("5;a\x01\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "DEL in an extension",                 chunks!("5;a=\"\x7F\"\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "LF in an extension",                  chunks!("5;a\nb\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "LF in a quoted string",               chunks!("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")),
    (400, "9112 7.1.1", "CR in a quoted string",               chunks!("5;a=\"\r\"\r\nhello\r\n0\r\n\r\n")),
    (413, "9110 15.5.14", "one byte too many",                 chunks!("10001\r\n")),
    (413, "9112 7.1", "the largest number of 64 bits",         chunks!("FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n")),
    (413, "9112 7.1", "together more than 64 bits count",      chunks!("5\r\nhello\r\nFFFFFFFFFFFFFFFB\r\n0\r\n\r\n")),
    (400, "9112 7.1", "2 to the power of 64, and 5",           chunks!("10000000000000005\r\nhello\r\n0\r\n\r\n")),

    // Trailers are header lines.
    (400, "9112 7.1.2", "the next request without a line end", chunks!("0\r\nGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n")),
    (400, "9112 5.1", "a blank before the colon",              chunks!("0\r\nA : b\r\n\r\n")),
    (400, "9112 5",   "no colon",                              chunks!("0\r\nA\r\n\r\n")),
    (400, "9112 5.2", "a folded line",                         chunks!("0\r\nA: b\r\n c\r\n\r\n")),
    (400, "9110 5.5", "a NUL",                                 chunks!("0\r\nA: b\0\r\n\r\n")),
    (400, "9112 2.2", "LF alone",                              chunks!("0\r\nA: b\n\r\n")),
    (400, "9112 2.2", "CR alone",                              chunks!("0\r\nA: b\rC: d\r\n\r\n")),
];

/// The rows that would not fit on a line: too much of everything.
fn too_much() -> Vec<(u16, &'static str, &'static str, Vec<u8>)> {
    let request = |line: &str, headers: &str| format!("{line}\r\nHost: localhost\r\n{headers}\r\n");
    let get = |headers: &str| request("GET /docs HTTP/1.1", headers);
    let login = |chunks: &str| request("POST /token HTTP/1.1", "Transfer-Encoding: chunked\r\n") + chunks;
    let x = |count| "x".repeat(count);
    let rows = [
        (414, "9112 3", "a long target", request(&format!("GET /{} HTTP/1.1", x(8192)), "")),
        (414, "9112 3", "a target without end", format!("GET /{}", x(20_000))),
        (414, "9112 3", "a long method", request(&format!("{} /docs HTTP/1.1", x(8192)), "")),
        (400, "9112 3", "a method without end is no request", x(20_000)),
        (431, "6585 5", "a long value", get(&format!("A: {}\r\n", x(16_384)))),
        (431, "6585 5", "a long name", get(&format!("{}: a\r\n", x(16_384)))),
        (431, "6585 5", "a value without end", format!("GET /docs HTTP/1.1\r\nA: {}", x(20_000))),
        (431, "6585 5", "many lines", get(&"A: b\r\n".repeat(100))),
        (431, "6585 5", "long and many", get(&format!("A: {}\r\n", x(300)).repeat(60))),
        (
            413,
            "9110 15.5.14",
            "chunks that cross the limit",
            login(&format!("10000\r\n{}\r\n1\r\n", x(65_536))),
        ),
        (400, "9112 7.1.1", "a long extension", login(&format!("5;{}\r\nhello\r\n0\r\n\r\n", x(16_384)))),
        (400, "9112 7.1.1", "an extension without end", login(&format!("5;{}", x(20_000)))),
        (
            400,
            "9112 7.1.1",
            "many extensions",
            login(&(format!("1;{}\r\na\r\n", x(100)).repeat(170) + "0\r\n\r\n")),
        ),
        (400, "9112 7.1", "a size of many zeros without end", login(&"0".repeat(20_000))),
        (431, "9110 5.4", "a long trailer", login(&format!("0\r\nA: {}\r\n\r\n", x(8192)))),
        (431, "9110 5.4", "a trailer without end", login(&format!("0\r\nA: {}", x(20_000)))),
        (431, "9110 5.4", "many trailers", login(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(101)))),
    ];
    rows.map(|(status, section, why, bytes)| (status, section, why, bytes.into_bytes())).into()
}

/// What the smuggled request asks for; its answer would be 200.
const SMUGGLED: &[u8] = b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Sends these pieces and, when the answer has come, a request behind them; says what is wrong.
fn fault<'a>(server: &TestServer, status: u16, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let mut client = server.connect();
    for piece in pieces {
        client.send(piece);
    }
    let answer = client.answer();
    client.send(SMUGGLED);
    let is_one_line = answer.text().ends_with('\n') && answer.text().lines().count() == 1;
    let is_plain = answer.header("content-type").is_some_and(|value| value.starts_with("text/plain"));
    let faults = [
        (answer.status != status, "not that status"),
        (!is_one_line || answer.text().trim().is_empty(), "not one line"),
        (!is_plain, "not plain text"),
        (answer.header("connection") != Some("close"), "does not say that it closes"),
        (answer.header("date").is_none(), "no date"),
        (!client.is_closed(), "goes on"),
    ];
    let faults: Vec<&str> =
        faults.iter().filter(|(is_there, _)| *is_there).map(|(_, fault)| *fault).collect();
    (!faults.is_empty()).then(|| format!("{}: {} {:?}", faults.join(", "), answer.status, answer.text()))
}

fn row_name(status: u16, section: &str, why: impl Display, bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(160)];
    format!("{status} {section}, {why}: {}", start.escape_ascii())
}

/// Fails with everything that was found, not with the first alone.
fn assert_no_faults(faults: &[String]) {
    assert!(faults.is_empty(), "{} rows are wrong:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn what_http_forbids_is_refused_with_a_reason_and_the_connection_ends() {
    let server = TestServer::start();
    let faults = REFUSED.iter().filter_map(|&(status, section, why, bytes)| {
        let name = row_name(status, section, why, bytes);
        println!("{name}"); // seen when the next line panics
        fault(&server, status, [&[bytes, SMUGGLED].concat()[..]]).map(|fault| format!("{name}\n    {fault}"))
    });
    assert_no_faults(&faults.collect::<Vec<_>>());
}

/// The same table with each byte sent on its own, and nothing behind the last.
#[test]
fn what_is_refused_is_refused_the_same_when_it_comes_byte_by_byte() {
    let server = TestServer::start();
    let faults = REFUSED.iter().filter_map(|&(status, section, why, bytes)| {
        let name = row_name(status, section, why, bytes);
        println!("{name}");
        fault(&server, status, bytes.chunks(1)).map(|fault| format!("{name}\n    {fault}"))
    });
    assert_no_faults(&faults.collect::<Vec<_>>());
}

/// With a request behind the bytes, and without: no one waits for the end of what has none.
#[test]
fn too_much_of_anything_is_refused_with_a_reason_and_the_connection_ends() {
    let server = TestServer::start();
    let mut faults = Vec::new();
    for (status, section, why, bytes) in too_much() {
        let name = row_name(status, section, why, &bytes);
        println!("{name}");
        for behind in [SMUGGLED, b""] {
            let fault = fault(&server, status, [&[&bytes, behind].concat()[..]]);
            faults.extend(fault.map(|fault| format!("{name}\n    {fault}")));
        }
    }
    assert_no_faults(&faults);
}

/// The limit holds for what comes in one packet as well.
#[test]
fn a_head_over_the_limit_is_refused_although_it_is_whole() {
    let address = serve_with(Limits { head: 256, ..Limits::DEFAULT });
    for (length, status) in [(256, 200), (257, 431)] {
        let start = "GET /docs HTTP/1.1\r\nHost: localhost\r\nA: ";
        let filler = "x".repeat(length - start.len() - "\r\n\r\n".len());
        let mut client = Client::connect(address);
        client.send(format!("{start}{filler}\r\n\r\n").as_bytes());
        assert_eq!(client.answer().status, status, "{length}");
    }
}

/// RFC 9110 §9.3.2: an answer to HEAD has no body, a refusal neither.
#[test]
fn a_refused_head_is_told_so_without_a_body() {
    let server = TestServer::start();
    for (status, bytes) in [
        (400, &b"HEAD /docs HTTP/1.1\r\n\r\n"[..]),
        (417, b"HEAD /docs HTTP/1.1\r\nHost: localhost\r\nExpect: x\r\n\r\n"),
        (505, b"HEAD /docs HTTP/2.0\r\n\r\n"),
    ] {
        let mut client = server.connect();
        client.send(bytes);
        assert_eq!(client.answer_to_head().status, status);
        assert!(client.is_closed(), "{}", bytes.escape_ascii());
    }
}

/// RFC 9112 §9.6: were the connection closed at once, what the client still sends would reset it,
/// and the reset can destroy the answer before the client has read it.
#[test]
fn a_client_that_is_still_sending_can_finish_and_read_why_it_was_refused() -> io::Result<()> {
    let server = TestServer::start();
    let mut stream = TcpStream::connect(server.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 163840\r\n\r\n")?;
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(10));
        stream.write_all(&[b'x'; 16 * 1024])?;
    }
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    Ok(())
}

/// A client that speaks something else waits for an answer after its first bytes; the end of the
/// head would never come.
#[test]
fn a_wrong_byte_is_answered_when_it_comes_and_not_when_the_head_is_whole() {
    let server = TestServer::start();
    for (status, bytes) in [
        (400, &b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"[..]),
        (400, b"{\"user"),
        (400, b" GET"),
        (400, b"GET /docs HTTP/1.1\r\nHost : "),
        (400, b"GET /docs HTTP/1.1\r\nHost: local\0"),
        (400, b"\r\n\r\n\r\n\r\n\r\n"),
        (505, b"PRI * HTTP/2.0\r\n"),
        (400, chunks!("g\r\n")),
        (400, chunks!("5\r\nhello!")),
    ] {
        let answer = server.exchange(bytes);
        assert_eq!(answer.status, status, "{}", bytes.escape_ascii());
    }
}

/// A request that is taken: the status of its answer, what it is the neighbour of, and the bytes.
type Neighbour = (u16, &'static str, &'static [u8]);

#[rustfmt::skip]
const TAKEN: &[Neighbour] = &[
    (200, "four empty lines",                        b"\r\n\r\n\r\n\r\nGET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (200, "every byte a browser sends in a query",   line!("GET /docs?a=%22{}|^[]\\`'()*!$&,;:@/?~ HTTP/1.1")),
    (404, "an escape that is none",                  line!("GET /docs%zz HTTP/1.1")),
    (404, "an escaped NUL",                          line!("GET /docs%00 HTTP/1.1")),
    (404, "an escaped line end",                     line!("GET /docs%0d%0aA:%20b HTTP/1.1")),
    (404, "two slashes in front",                    line!("GET //docs HTTP/1.1")),
    (200, "an empty query",                          line!("GET /docs? HTTP/1.1")),
    (200, "a port that is empty",                    headers!("Host: localhost:")),
    (200, "a port",                                  headers!("Host: localhost:8000")),
    (200, "a port beyond 65535",                     headers!("Host: localhost:99999")),
    (200, "an IPv4 address",                         headers!("Host: 127.0.0.1:8000")),
    (200, "an IPv6 address",                         headers!("Host: [::1]")),
    (200, "an IPv6 address with a port",             headers!("Host: [::ffff:127.0.0.1]:8000")),
    (200, "an escape in the host",                   headers!("Host: local%68ost")),
    (200, "everything a registered name may hold",   headers!("Host: aZ09-._~!$&'()*+,;=")),
    (200, "Host in capitals",                        headers!("HOST:localhost")),
    (200, "blanks and tabs round a value",           headers!("Host: \t localhost \t ")),
    (200, "no blank and an empty value",             headers!("Host:localhost\r\nA:")),
    (200, "a tab inside a value",                    headers!("Host: localhost\r\nA: b\tc")),
    (200, "bytes above 7F in a value",               b"GET /docs HTTP/1.1\r\nHost: localhost\r\nA: \xFF\xC3\xA9\r\n\r\n"),
    (200, "every character of a token in a name",    headers!("Host: localhost\r\naZ09!#$%&'*+-.^_`|~: b")),
    (200, "a name that only looks like a length",    headers!("Host: localhost\r\nContent_Length: 5\r\nX-Content-Length: 7")),
    (422, "leading zeros",                           login!("Content-Length: 00000000000000000000000005")),
    (422, "tabs round a length",                     login!("Content-Length:\t5\t")),
    (200, "a length of zero",                        headers!("Host: localhost\r\nContent-Length: 0")),
    (422, "a chunk",                                 chunks!("5\r\nhello\r\n0\r\n\r\n")),
    (422, "leading zeros of a size",                 chunks!("0005\r\nhello\r\n00\r\n\r\n")),
    (422, "a tab in an extension",                   chunks!("5\t;\ta\t=\tb\r\nhello\r\n0\r\n\r\n")),
    (422, "a trailer",                               chunks!("5\r\nhello\r\n0\r\nA: b\r\n\r\n")),
    (422, "a line end as data",                      chunks!("2\r\n\r\n\r\n0\r\n\r\n")),
];

fn assert_taken(client: &mut Client, status: u16, why: &str, bytes: &[u8]) {
    client.send(bytes);
    client.send(SMUGGLED); // no longer smuggled: the next request
    let answer = client.answer();
    assert_eq!(answer.status, status, "{why}: {}", answer.text());
    assert_eq!(answer.header("connection"), None, "{why}");
    assert_eq!(client.answer().status, 200, "behind {why}");
}

#[test]
fn the_valid_neighbours_of_what_is_refused_are_taken() {
    let server = TestServer::start();
    let mut client = server.connect();
    for &(status, why, bytes) in TAKEN {
        assert_taken(&mut client, status, why, bytes);
    }
}

#[test]
fn the_neighbours_of_too_much_are_taken() {
    let server = TestServer::start();
    let mut client = server.connect();
    // RFC 9112 §3 recommends 8,000 bytes for the request line at least.
    let line = format!("GET /docs?{} HTTP/1.1", "x".repeat(8000 - "GET /docs? HTTP/1.1".len()));
    let start = "GET /docs HTTP/1.1\r\nHost: localhost\r\n";
    let long_value = "x".repeat(16_384 - start.len() - "A: \r\n\r\n".len());
    let chunked = "POST /token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (status, why, request) in [
        (200, "a request line of 8,000 bytes", format!("{line}\r\nHost: localhost\r\n\r\n")),
        (200, "100 header lines", format!("{start}{}\r\n", "A: b\r\n".repeat(99))),
        (200, "a head of 16,384 bytes", format!("{start}A: {long_value}\r\n\r\n")),
        (422, "a long extension", format!("{chunked}5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(16_000))),
        (422, "a long trailer", format!("{chunked}0\r\nA: {}\r\n\r\n", "x".repeat(8000))),
        (422, "100 trailers", format!("{chunked}0\r\n{}\r\n", "A: b\r\n".repeat(100))),
    ] {
        assert_taken(&mut client, status, why, request.as_bytes());
    }
}
