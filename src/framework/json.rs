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
    let is_plain = |byte| byte >= b' ' && byte != b'"' && byte != b'\\';
    text.push('"');
    if value.bytes().all(is_plain) {
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

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn strings_are_escaped_as_fastapi_escapes_them() {
        for (value, expected) in [
            ("", r#""""#),
            ("johndoe", r#""johndoe""#),
            ("\"", r#""\"""#),
            ("\\", r#""\\""#),
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
    fn values_are_written_without_spaces() {
        let list = [Json::Text("body"), Json::Null, Json::Bool(true), Json::List(&[])];
        let mut text = String::new();
        Json::Object(&[("a", Json::List(&list)), ("b", Json::Object(&[]))]).write_to(&mut text);
        assert_eq!(text, r#"{"a":["body",null,true,[]],"b":{}}"#);
    }
}
