//! JSON text, written as FastAPI writes it: no blanks, non-ASCII characters as they are.
//!
//! Layer: FastAPI, where Pydantic turns an object into this text.

use std::fmt::Write;

use crate::server::Response;

/// A JSON value made of borrowed parts: enough for the answers of a small application.
#[derive(Clone, Copy, Debug)]
pub enum Json<'a> {
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
    /// Appends the value to `text`.
    pub fn write_to(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(true) => text.push_str("true"),
            Self::Bool(false) => text.push_str("false"),
            Self::Text(value) => write_string(text, value),
            Self::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    item.write_to(text);
                }
                text.push(']');
            }
            Self::Object(fields) => {
                text.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    for piece in ["\"", name, "\":"] {
                        text.push_str(piece); // names are this program's own and need no escapes
                    }
                    value.write_to(text);
                }
                text.push('}');
            }
        }
    }

    /// An answer that holds this value.
    #[must_use]
    pub fn response(&self, status: u16) -> Response {
        let mut text = String::with_capacity(160);
        self.write_to(&mut text);
        Response::new(status, "application/json", text)
    }
}

/// Quotes a string. Only what RFC 8259 §7 demands is escaped: `"`, `\` and everything below U+0020.
fn write_string(text: &mut String, value: &str) {
    text.push('"');
    let mut rest = value;
    while let Some(position) = rest.bytes().position(|byte| matches!(byte, 0..0x20 | b'"' | b'\\')) {
        let (plain, from_here) = rest.split_at(position);
        text.push_str(plain);
        match from_here.as_bytes()[0] {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            0x08 => text.push_str("\\b"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            0x0C => text.push_str("\\f"),
            b'\r' => text.push_str("\\r"),
            control => {
                let _ = write!(text, "\\u{control:04x}"); // a string takes everything
            }
        }
        rest = &from_here[1..];
    }
    text.push_str(rest);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn strings_are_escaped_as_fastapi_escapes_them() {
        for (value, expected) in [
            ("", r#""""#),
            ("johndoe", r#""johndoe""#),
            ("a\"b\\c/d", r#""a\"b\\c/d""#),
            ("\u{8}\t\n\u{c}\r", r#""\b\t\n\f\r""#),
            ("\0\u{1}\u{b}\u{1b}\u{1f}", r#""\u0000\u0001\u000b\u001b\u001f""#),
            ("\u{7f}\u{80}é\u{2028}\u{feff}한<", "\"\u{7f}\u{80}é\u{2028}\u{feff}한<\""),
        ] {
            let mut text = String::new();
            Json::Text(value).write_to(&mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn values_stand_beside_each_other_without_blanks() {
        let list = [Json::Text("body"), Json::Null, Json::Bool(true), Json::List(&[])];
        let mut text = String::new();
        Json::Object(&[("a", Json::List(&list)), ("b", Json::Object(&[]))]).write_to(&mut text);
        assert_eq!(text, r#"{"a":["body",null,true,[]],"b":{}}"#);
    }
}
