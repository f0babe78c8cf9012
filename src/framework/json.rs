//! JSON text as FastAPI writes it: no spaces, and characters beyond ASCII as they are.
//!
//! Layer: framework; in FastAPI `jsonable_encoder` and Starlette's `JSONResponse`, which is
//! `json.dumps(…, ensure_ascii=False, allow_nan=False, separators=(",", ":"))`.

use crate::server::Response;

/// A JSON value made of borrowed parts: enough for the responses of a small application.
pub(crate) enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A string.
    Text(&'a str),
    /// `[…]`
    List(&'a [Json<'a>]),
    /// `{…}`, in this order.
    Object(&'a [(&'a str, Json<'a>)]),
}

impl Json<'_> {
    /// The value as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(160); // enough for each response of the chapter
        self.write_to(&mut text);
        text
    }

    /// A response with this value as its body.
    pub(crate) fn response(&self, status: u16) -> Response {
        Response::new(status, "application/json", self.text())
    }

    /// Appends the value to `text`.
    fn write_to(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(true) => text.push_str("true"),
            Self::Bool(false) => text.push_str("false"),
            Self::Text(value) => write_string(text, value),
            Self::List(items) => {
                text.push('[');
                for item in *items {
                    item.write_to(text);
                    text.push(',');
                }
                close(text, ']');
            }
            Self::Object(fields) => {
                text.push('{');
                for (name, value) in *fields {
                    text.push('"');
                    text.push_str(name); // a name of this program, without anything to escape
                    text.push_str("\":");
                    value.write_to(text);
                    text.push(',');
                }
                close(text, '}');
            }
        }
    }
}

/// Ends a list or an object. The comma after the last element is one too many.
fn close(text: &mut String, bracket: char) {
    if text.ends_with(',') {
        text.pop();
    }
    text.push(bracket);
}

/// Quotes a string. Only what RFC 8259 §7 demands is escaped: `"`, `\` and everything below U+0020.
fn write_string(text: &mut String, value: &str) {
    // `all` and `&&` would end early; without them the compiler can compare many bytes at once.
    let is_plain = |byte| (byte >= b' ') & (byte != b'"') & (byte != b'\\');
    text.push('"');
    if value.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        text.push_str(value);
    } else {
        value.chars().for_each(|character| write_escaped(text, character));
    }
    text.push('"');
}

fn write_escaped(text: &mut String, character: char) {
    match character {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\u{8}' => text.push_str("\\b"),
        '\t' => text.push_str("\\t"),
        '\n' => text.push_str("\\n"),
        '\u{c}' => text.push_str("\\f"),
        '\r' => text.push_str("\\r"),
        '\0'..' ' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
        _ => text.push(character),
    }
}
