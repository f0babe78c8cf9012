//! Which function responds to which request: the one that fits, or 404, 405 or 307.
//!
//! Layer: framework; Starlette's router. `@app.post("/token")` is a row of a table here.

use std::borrow::Cow;
use std::fmt::Write;

use super::exception::HTTPException;
use crate::server::{Request, Response};

/// A row of the route table.
pub(crate) struct Route {
    /// The method. A row for GET is for HEAD too (RFC 9110 §9.3.2).
    pub(crate) method: &'static str,
    /// The path, in unreserved characters and slashes; only `/` itself ends with one.
    pub(crate) path: &'static str,
    /// The path operation function.
    pub(crate) endpoint: fn(&Request<'_>) -> Result<Response, HTTPException>,
    /// Header fields of every response of this row, good or bad.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

impl Route {
    fn takes(&self, method: &str) -> bool {
        self.method == method || (self.method == "GET" && method == "HEAD")
    }
}

/// Finds the row of a request, and calls its function.
pub(crate) fn dispatch(routes: &[Route], request: &Request<'_>) -> Response {
    if request.path == "*" {
        return Response::empty(204, "allow", allowed(routes, None) + ", OPTIONS");
    }
    let path = normal_path(request.path).unwrap_or_default();
    let mut wrong_method = None;
    for route in routes.iter().filter(|route| route.path == path) {
        if route.takes(request.method) {
            let result = (route.endpoint)(request);
            return with_headers(result.unwrap_or_else(|exception| exception.response()), route);
        }
        wrong_method = Some(route);
    }
    if let Some(route) = wrong_method {
        let mut response = HTTPException::new(405, "Method Not Allowed").response();
        response.headers.push(("allow", allowed(routes, Some(&path)).into()));
        return with_headers(response, route);
    }
    match redirect(routes, &path, request.query) {
        Some(response) => response,
        None => HTTPException::new(404, "Not Found").response(),
    }
}

fn with_headers(mut response: Response, route: &Route) -> Response {
    for (name, value) in route.headers {
        response.headers.push((name, (*value).into()));
    }
    response
}

/// The methods of a path, or of all paths, for an `allow` header (RFC 9110 §10.2.1).
fn allowed(routes: &[Route], path: Option<&str>) -> String {
    let mut methods = Vec::new();
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
        let mut rows = routes.iter().filter(|route| path.is_none_or(|path| path == route.path));
        if rows.any(|route| route.takes(method)) {
            methods.push(method);
        }
    }
    methods.join(", ")
}

/// 307 for a known path with too many slashes at its end, for any method.
///
/// The location is relative, and made of the path in the table and the client's query. Nothing that
/// a client says about the host gets into it.
fn redirect(routes: &[Route], path: &str, query: Option<&str>) -> Option<Response> {
    let known = path.strip_suffix('/')?.trim_end_matches('/');
    let route = routes.iter().find(|route| route.path == known)?;
    let mut location = route.path.to_owned();
    let query = query.unwrap_or_default();
    if !query.is_empty() {
        location.push('?');
    }
    for byte in query.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~:/%#?=@[]!$&'()*+,;".contains(&byte) {
            location.push(char::from(byte));
        } else {
            let _ = write!(location, "%{byte:02X}"); // writing to a string cannot fail
        }
    }
    Some(Response::empty(307, "location", location))
}

/// The path with escapes of unreserved characters decoded: `/%75sers/me` is `/users/me`, but
/// `%2F` is not a slash (RFC 3986 §2.2, §6.2.2.2). A broken escape is in no route.
fn normal_path(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(path.into());
    }
    let mut pieces = path.split('%');
    let mut normal = pieces.next()?.to_owned();
    for piece in pieces {
        let byte = u8::from_str_radix(piece.get(..2)?, 16).ok()?;
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
    use super::{Route, dispatch};
    use crate::server::{Request, Response};

    /// Not those of the first row of its path: tokens would lose their `no-store` to a GET above.
    #[test]
    fn a_response_has_the_header_fields_of_the_row_that_was_called() {
        let row = |method, headers| Route {
            method,
            path: "/token",
            endpoint: |request| Ok(Response::empty(204, "x-called", request.method.to_owned())),
            headers,
        };
        let routes = [row("GET", &[("x-row", "one")]), row("POST", &[("x-row", "two")])];
        for (method, headers) in [
            ("GET", "x-called: GET, x-row: one"),
            ("HEAD", "x-called: HEAD, x-row: one"),
            ("POST", "x-called: POST, x-row: two"),
        ] {
            let request = Request {
                method,
                path: "/token",
                query: None,
                minor_version: 1,
                headers: Vec::new(),
                body: b"",
                client: ([127, 0, 0, 1], 50_000).into(),
            };
            let response = dispatch(&routes, &request);
            let found: Vec<String> =
                response.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            assert_eq!(found.join(", "), headers);
        }
    }
}
