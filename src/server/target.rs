//! What is asked for and of whom: the request target and the `Host` line.
//!
//! Layer: uvicorn, which takes nearly everything here; RFC 9112 §3.2 does not.

use httparse::Header;

use super::refusal::Refusal;

/// Splits a request target into path and query, both as they were sent.
///
/// The path of `OPTIONS *` is `*`; that of `http://host` is `/`.
pub(super) fn split<'a>(method: &str, target: &'a str) -> Result<(&'a str, Option<&'a str>), Refusal> {
    check_bytes(target)?;
    if method == "CONNECT" {
        return Err(match target.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && !host.is_empty() && is_host(target.as_bytes()) => {
                Refusal::new(501, "CONNECT asks for a tunnel, and this server is no proxy.")
            }
            _ => Refusal::bad_request("The target of CONNECT is a host and a port."),
        });
    }
    let target = match target {
        "*" if method == "OPTIONS" => "*",
        _ if target.starts_with('/') => target,
        _ => after_authority(target)?,
    };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    match path {
        "" if method == "OPTIONS" && query.is_none() => Ok(("*", None)), // RFC 9112 §3.2.4
        "" => Ok(("/", query)),
        _ => Ok((path, query)),
    }
}

/// RFC 3986 allows fewer bytes than these, but browsers send `{ } | ^ [ ]` raw in a query.
fn check_bytes(target: &str) -> Result<(), Refusal> {
    for byte in target.bytes() {
        match byte {
            b'#' => {
                return Err(Refusal::bad_request("A fragment is the client's own and no part of a target."));
            }
            0x21 | 0x23..=0x3B | 0x3D | 0x3F..=0x7E => {}
            _ => {
                return Err(Refusal::bad_request("The target holds a byte that must be percent-encoded."));
            }
        }
    }
    Ok(())
}

/// What follows the host in `http://host/path`, the form that proxies are sent and that every
/// server must take (RFC 9112 §3.2.2).
fn after_authority(target: &str) -> Result<&str, Refusal> {
    const SCHEME: &str = "http://";
    let refusal =
        Refusal::bad_request("The target is neither a path that begins with / nor an http:// address.");
    let scheme = target.get(..SCHEME.len()).ok_or(refusal)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(refusal);
    }
    let rest = &target[SCHEME.len()..];
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    if !is_host(&rest.as_bytes()[..end]) {
        return Err(Refusal::bad_request("The address in the target has no valid host."));
    }
    Ok(&rest[end..])
}

/// Exactly one `Host`, and a valid one (RFC 9112 §3.2); HTTP/1.0 may have none.
///
/// This server has one site and never looks at the name. It checks it all the same: two servers
/// on the way of one request that disagree about its host are a way to smuggle.
pub(super) fn check_host(headers: &[Header<'_>], minor_version: u8) -> Result<(), Refusal> {
    let mut hosts = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host.value) => Ok(()),
        (None, None) if minor_version == 0 => Ok(()),
        (None, None) => Err(Refusal::bad_request("An HTTP/1.1 request names its Host.")),
        (Some(_), Some(_)) => Err(Refusal::bad_request("A request has one Host line.")),
        _ => Err(Refusal::bad_request("The Host is not a host with an optional port.")),
    }
}

/// `uri-host [ ":" port ]` of RFC 9110 §7.2; the empty host is grammatical, but names nobody.
fn is_host(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|&byte| byte == b':') {
        Some(colon) if !text.ends_with(b"]") => (&text[..colon], &text[colon + 1..]),
        _ => (text, &b""[..]),
    };
    if host.is_empty() || !port.iter().all(u8::is_ascii_digit) {
        return false;
    }
    match host.strip_prefix(b"[") {
        Some(literal) => literal.strip_suffix(b"]").is_some_and(|address| {
            let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            !address.is_empty() && address.iter().all(is_part)
        }),
        None => is_registered_name(host),
    }
}

/// RFC 3986 §3.2.2: letters, digits, some marks and whole percent escapes.
fn is_registered_name(mut name: &[u8]) -> bool {
    while let [first, rest @ ..] = name {
        name = match (first, rest) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            _ if first.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(first) => rest,
            _ => return false,
        };
    }
    true
}
