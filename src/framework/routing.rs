//! Which function answers which request: 404, 405, 307, or the one that fits.
//!
//! Layer: Starlette's router. `@app.post("/token")` is a row of a table here.

use std::borrow::Cow;
use std::fmt::Write;

use super::exception::HTTPException;
use crate::server::{Request, Response};

/// A row of the route table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method; a row for GET answers HEAD too (RFC 9110 §9.3.2).
    pub method: &'static str,
    /// The path, in unreserved characters and slashes, without a slash at its end.
    pub path: &'static str,
    /// The path operation function.
    pub endpoint: fn(&Request<'_>) -> Result<Response, HTTPException>,
    /// Header lines of every answer of this path, good or bad.
    pub headers: &'static [(&'static str, &'static str)],
}

impl Route {
    fn answers(&self, method: &str) -> bool {
        self.method == method || (self.method == "GET" && method == "HEAD")
    }
}

/// Whether somebody will look at the body of this request.
#[must_use]
pub fn reads_body(routes: &[Route], request: &Request<'_>) -> bool {
    let is_post = |route: &Route| route.method == "POST" && request.method == "POST";
    let path = normal_path(request.path);
    routes.iter().any(|route| is_post(route) && path.as_deref() == Some(route.path))
}

/// Finds the row and calls its function.
#[must_use]
pub fn dispatch(routes: &[Route], request: &Request<'_>) -> Response {
    if request.path == "*" {
        return Response::empty(204, "allow", allowed(routes, None) + ", OPTIONS");
    }
    let path = normal_path(request.path).unwrap_or_default();
    let Some(first) = routes.iter().find(|route| route.path == path) else {
        return redirect(routes, &path, request.query)
            .unwrap_or_else(|| HTTPException::new(404, "Not Found").response());
    };
    let route = routes.iter().find(|route| route.path == path && route.answers(request.method));
    let mut response = if let Some(route) = route {
        (route.endpoint)(request).unwrap_or_else(|exception| exception.response())
    } else {
        let mut response = HTTPException::new(405, "Method Not Allowed").response();
        response.headers.push(("allow", allowed(routes, Some(&path)).into()));
        response
    };
    for (name, value) in first.headers {
        response.headers.push((name, (*value).into()));
    }
    response
}

/// The methods of a path, or of all paths, for an `allow` header (RFC 9110 §10.2.1).
fn allowed(routes: &[Route], path: Option<&str>) -> String {
    let is_here = |route: &Route, method| route.answers(method) && path.is_none_or(|path| path == route.path);
    let here = ["GET", "HEAD", "POST"]
        .into_iter()
        .filter(|method| routes.iter().any(|route| is_here(route, method)));
    here.collect::<Vec<_>>().join(", ")
}

/// 307 for a known path with slashes too many at its end, whatever the method.
///
/// The location is relative, made of the path in the table and the client's query: nothing that a
/// client says about the host gets into it.
fn redirect(routes: &[Route], path: &str, query: Option<&str>) -> Option<Response> {
    let known = path.strip_suffix('/')?.trim_end_matches('/');
    let route = routes.iter().find(|route| route.path == known)?;
    let mut location = route.path.to_owned();
    for (index, byte) in query.unwrap_or_default().bytes().enumerate() {
        location.push_str(if index == 0 { "?" } else { "" });
        if byte.is_ascii_alphanumeric() || b"_.-~:/%#?=@[]!$&'()*+,;".contains(&byte) {
            location.push(char::from(byte));
        } else {
            let _ = write!(location, "%{byte:02X}"); // a string takes everything
        }
    }
    Some(Response::empty(307, "location", location))
}

/// The path with escapes of unreserved characters decoded: `/%75sers/me` is `/users/me`, but
/// `%2F` is not a slash (RFC 3986 §2.2, §6.2.2.2). A broken escape names nothing.
fn normal_path(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(path.into());
    }
    let mut pieces = path.split('%');
    let mut normal = pieces.next()?.to_owned();
    for piece in pieces {
        let byte = u8::from_str_radix(piece.get(..2).filter(|digits| !digits.starts_with('+'))?, 16).ok()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
            normal.push_str(&piece[2..]);
        } else {
            normal.push('%');
            normal.push_str(piece);
        }
    }
    Some(normal.into())
}

#[cfg(test)]
mod tests {
    use super::normal_path;

    #[test]
    fn a_path_is_compared_with_its_needless_escapes_decoded() {
        for (path, normal) in [
            ("/users/me", Some("/users/me")),
            ("/%75sers/m%65", Some("/users/me")),
            ("/users%2Fme", Some("/users%2Fme")),
            ("/%2575sers/me", Some("/%2575sers/me")),
            ("/users/me%", None),
            ("/users/me%7", None),
            ("/%+75sers/me", None),
            ("/%zz", None),
            ("/%00", Some("/%00")),
        ] {
            assert_eq!(normal_path(path).as_deref(), normal, "{path}");
        }
    }
}
