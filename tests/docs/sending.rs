//! The curl commands of the pages without curl: the test client sends what curl would send, and
//! shows of the answer what curl would show.

use std::net::SocketAddr;

use crate::curl::Curl;
use crate::support::{Answer, Client};

impl Curl {
    /// What the command prints, when the test client sends the request.
    pub fn send(&self, server: SocketAddr) -> Result<String, String> {
        let (head, body) = self.request(server)?;
        let (mut client, mut output) = (Client::connect(server), String::new());
        let mut show = |answer: &Answer| {
            let shown = if self.has("--include") || self.has("--head") { answer.head.as_str() } else { "" };
            output.push_str(shown);
            output.push_str(answer.text());
        };
        client.send(head.as_bytes());
        if self.values("--header").any(|line| line.eq_ignore_ascii_case("expect: 100-continue")) {
            let answer = client.answer();
            show(&answer);
            if answer.status != 100 {
                return Ok(output);
            }
        }
        client.send(body.as_bytes());
        show(&if self.has("--head") { client.answer_to_head() } else { client.answer() });
        Ok(output)
    }

    /// The head and the body, as curl writes them.
    fn request(&self, server: SocketAddr) -> Result<(String, String), String> {
        let data = self.data()?;
        let mut head = self.request_line(data.is_some());
        let mut default = |name: &str, value: &str| {
            let is_name =
                |line: &str| line.split([':', ';']).next().is_some_and(|it| it.eq_ignore_ascii_case(name));
            if !self.values("--header").any(is_name) {
                head.extend([name, ": ", value, "\r\n"]);
            }
        };
        default("Host", &server.to_string());
        for user in self.values("--user") {
            default("Authorization", &format!("Basic {}", base64(user.as_bytes())));
        }
        default("User-Agent", "curl");
        default("Accept", "*/*");
        let is_chunked = |line: &str| line.eq_ignore_ascii_case("transfer-encoding: chunked");
        let is_chunked = self.values("--header").any(is_chunked);
        if let Some(data) = &data {
            if !is_chunked {
                default("Content-Length", &data.len().to_string());
            }
            default("Content-Type", "application/x-www-form-urlencoded");
        }
        for line in self.values("--header") {
            match line.split_once(':') {
                Some((_, value)) if value.trim().is_empty() => {} // curl leaves its own one out
                Some(_) => head.extend([line, "\r\n"]),
                None => head.extend([line.trim_end_matches(';'), ":\r\n"]),
            }
        }
        let data = data.unwrap_or_default();
        Ok((head + "\r\n", if is_chunked { chunked(&data) } else { data }))
    }

    fn request_line(&self, has_data: bool) -> String {
        let default = match (self.has("--head"), has_data) {
            (true, _) => "HEAD",
            (false, true) => "POST",
            (false, false) => "GET",
        };
        let method = self.values("--request").last().unwrap_or(default);
        let version = if self.has("--http1.0") { "HTTP/1.0" } else { "HTTP/1.1" };
        format!("{method} {} {version}\r\n", self.target)
    }

    /// The parts of the form, joined as curl joins them.
    fn data(&self) -> Result<Option<String>, String> {
        let mut parts = Vec::new();
        for (option, value) in &self.options {
            match *option {
                "--data" if value.starts_with('@') => {
                    return Err("`-d @file`: pages have no files".to_owned());
                }
                "--data" | "--data-raw" => parts.push(value.clone()),
                "--data-urlencode" => {
                    let (name, content) =
                        value.split_once('=').ok_or("write --data-urlencode 'name=content'")?;
                    parts.push(format!("{name}={}", percent_encoded(content)));
                }
                _ => {}
            }
        }
        Ok((!parts.is_empty()).then(|| parts.join("&")))
    }
}

/// One chunk, and the last one.
fn chunked(data: &str) -> String {
    let chunk = if data.is_empty() { String::new() } else { format!("{:x}\r\n{data}\r\n", data.len()) };
    chunk + "0\r\n\r\n"
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * position)) as usize & 63];
            text.push(if position <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[test]
fn base64_is_that_of_rfc_4648() {
    for (plain, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
    {
        assert_eq!(base64(plain.as_bytes()), encoded);
    }
}
