//! What a request asks for, and whom: the request target and the `Host`.
//!
//! Layer: server. uvicorn takes nearly everything here; RFC 9112 §3.2 does not.

use super::error::HttpError;
use super::framing::Single;

/// Splits a request target into path and query, both as they were sent.
///
/// The path of `OPTIONS *` is `*`; that of `http://host` is `/`.
pub(super) fn split<'a>(method: &str, target: &'a str) -> Result<(&'a str, Option<&'a str>), HttpError> {
    check_bytes(target)?;
    if method == "CONNECT" {
        let has_port = target.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty());
        return Err(if has_port && is_host(target.as_bytes()) {
            HttpError::new(501, "CONNECT asks for a tunnel, and this server is not a proxy.")
        } else {
            HttpError::bad_request("The target of CONNECT must be a host and a port.")
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

/// RFC 3986 allows fewer bytes than these, but browsers send some more, such as `{ } | ^`, as they are.
/// httparse has refused spaces and control characters.
fn check_bytes(target: &str) -> Result<(), HttpError> {
    if target.contains('#') {
        return Err(HttpError::bad_request("A fragment (after #) is not part of a request target."));
    }
    if !target.is_ascii() || target.contains(['"', '<', '>']) {
        return Err(HttpError::bad_request("The target holds a byte that must be percent-encoded."));
    }
    Ok(())
}

/// What follows the host in `http://host/path`, the form that is sent to proxies and that every
/// server must take (RFC 9112 §3.2.2).
fn after_authority(target: &str) -> Result<&str, HttpError> {
    const SCHEME: &str = "http://";
    const NO_TARGET: HttpError = HttpError::bad_request(
        "The target must be a path that begins with /, an http:// address or, for OPTIONS alone, *.",
    );
    let scheme = target.get(..SCHEME.len()).ok_or(NO_TARGET)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(NO_TARGET);
    }
    let rest = &target[SCHEME.len()..];
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    if !is_host(&rest.as_bytes()[..end]) {
        return Err(HttpError::bad_request(
            "After http:// the target must have a host, with or without a port number, and no user.",
        ));
    }
    Ok(&rest[end..])
}

/// Exactly one `Host`, and a valid one (RFC 9112 §3.2); HTTP/1.0 may have none.
///
/// This server has one site and never uses the name. It checks the name all the same: two servers
/// on the way of one request that disagree about its host make smuggling possible.
pub(super) fn check_host(host: Single<'_>, minor_version: u8) -> Result<(), HttpError> {
    match host {
        Single::Once(host) if is_host(host) => Ok(()),
        Single::Once(_) => {
            Err(HttpError::bad_request("The value of Host must be a host, with or without a port number."))
        }
        Single::Repeated => Err(HttpError::bad_request("A request must not have more than one Host field.")),
        Single::Absent if minor_version == 0 => Ok(()),
        Single::Absent => Err(HttpError::bad_request("An HTTP/1.1 request must have a Host.")),
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
