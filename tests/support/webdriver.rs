//! A real browser, driven over the WebDriver protocol (W3C), which is plain HTTP and JSON.
//!
//! Our own small client and not a crate, because the kept ones bring an asynchronous runtime, a
//! TLS stack and a hundred crates more than this program has; what the tests need of the protocol
//! is a dozen commands, each a request and a response.
//!
//! `chromedriver` and `chromium` are looked for on PATH; the environment variables CHROMEDRIVER
//! and CHROMIUM name others. A test fails where there is none.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a command, or a change on the page, may take. A browser that starts on a busy machine
/// takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The name under which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A name that means this machine, and that a browser does not know for this machine.
pub const ANOTHER_MACHINE: &str = "another.machine.test";

/// The keys, as the protocol encodes them.
pub const TAB: char = '\u{E004}';
pub const ENTER: char = '\u{E007}';
pub const ESCAPE: char = '\u{E00C}';
pub const SPACE: char = ' ';

/// A browser with an empty profile, and the driver that it hangs on. Both end when this is dropped.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// Starts a browser whose user reads these languages, such as `ko-KR,en`.
    pub fn start(languages: &str) -> Self {
        let chromium = program("CHROMIUM", "chromium");
        let (driver, port) = start_driver();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let profile = new_profile();
        let mut browser = Self { driver, address, session: String::new(), profile };
        let session = browser.request("POST", "/session", &browser.capabilities(&chromium, languages));
        let session = session.expect("a session");
        session["sessionId"].as_str().expect("a session id").clone_into(&mut browser.session);
        // Away from the browser's own first page, which asks for a hundred files of its own.
        browser.open("about:blank");
        browser.network(&[]);
        browser
    }

    /// No sandbox, because a container has none to offer; nothing that calls home, because the
    /// tests are to see what the page asks for and nothing else.
    fn capabilities(&self, chromium: &PathBuf, languages: &str) -> Value {
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        let mut flags = flags.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", self.profile.display()));
        flags.push(format!("--host-resolver-rules=MAP {ANOTHER_MACHINE} 127.0.0.1"));
        let preferences = json!({
            "intl.accept_languages": languages,
            // Its offer to keep a password would open above the page, between two clicks.
            "credentials_enable_service": false,
            "profile.password_manager_enabled": false,
            "profile.password_manager_leak_detection": false,
        });
        json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "binary": chromium, "args": flags, "prefs": preferences },
        } } })
    }

    /// Goes to this address and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// Runs the body of a function in the page and gives what it returns, a promise fulfilled.
    pub fn run(&self, body: &str, arguments: &[Value]) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": body, "args": arguments }))
    }

    /// The elements that a CSS selector finds in the page.
    pub fn elements(&self, selector: &str) -> Vec<Element<'_>> {
        self.find("", selector)
    }

    /// The element that has the focus.
    pub fn focused(&self) -> Element<'_> {
        Element::new(self, &self.command("GET", "/element/active", &Value::Null))
    }

    /// Presses these keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        });
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>() });
        self.command("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    /// Makes the viewport this big, in CSS pixels. A window has a least width, a viewport has none.
    pub fn resize(&self, width: u32, height: u32, scale: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Makes the page believe that its reader prefers `light` or `dark`.
    pub fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// Runs no script of any page from now on.
    pub fn without_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// Allows the page what a browser would ask its user about, such as `clipboard-read`.
    pub fn permit(&self, what: &str) {
        let permission = json!({ "descriptor": { "name": what }, "state": "granted" });
        self.command("POST", "/permissions", &permission);
    }

    /// What the console has to say since the last call, at every level.
    pub fn console(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().expect("a list of entries").iter();
        entries.map(|entry| entry["message"].as_str().expect("a message").to_owned()).collect()
    }

    /// What happened on the network since the last call: the parameters of the events with these
    /// names of the DevTools protocol.
    pub fn network(&self, names: &[&str]) -> Vec<Value> {
        let entries = self.command("POST", "/se/log", &json!({ "type": "performance" }));
        let entries = entries.as_array().expect("a list of entries");
        let events = entries.iter().map(|entry| {
            let message = entry["message"].as_str().expect("a message");
            serde_json::from_str::<Value>(message).expect("an event is JSON")["message"].take()
        });
        let wanted = events.filter(|event| names.contains(&event["method"].as_str().unwrap_or_default()));
        wanted.map(|mut event| event["params"].take()).collect()
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        self.command("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    fn find(&self, below: &str, selector: &str) -> Vec<Element<'_>> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.command("POST", &format!("{below}/elements"), &query);
        found.as_array().expect("a list").iter().map(|element| Element::new(self, element)).collect()
    }

    /// A command of the session.
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.request(method, &path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// One request to the driver; its responses carry the value, or the error, as JSON.
    fn request(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
            self.address
        );
        let body = exchange(self.address, request.as_bytes()).map_err(|error| error.to_string())?;
        let mut response: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let value = response["value"].take();
        match value["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", value["message"])),
            None => Ok(value),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser with the session; killed alone, it would leave it behind.
        let _ = self.request("DELETE", &format!("/session/{}", self.session), &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

/// An element of the page.
pub struct Element<'browser> {
    browser: &'browser Browser,
    id: String,
}

impl<'browser> Element<'browser> {
    fn new(browser: &'browser Browser, reference: &Value) -> Self {
        let id = reference[ELEMENT].as_str().unwrap_or_else(|| panic!("no element: {reference}"));
        Self { browser, id: id.to_owned() }
    }

    /// Itself, as an argument for [`Browser::run`].
    pub fn reference(&self) -> Value {
        json!({ ELEMENT: self.id })
    }

    /// The elements inside this one that a CSS selector finds.
    pub fn elements(&self, selector: &str) -> Vec<Element<'browser>> {
        self.browser.find(&format!("/element/{}", self.id), selector)
    }

    /// The name that a screen reader says.
    pub fn name(&self) -> String {
        self.text_of("computedlabel")
    }

    /// What a screen reader says it is.
    pub fn role(&self) -> String {
        self.text_of("computedrole")
    }

    /// The text as a reader sees it.
    pub fn text(&self) -> String {
        self.text_of("text")
    }

    /// Whether a reader sees it.
    pub fn is_displayed(&self) -> bool {
        self.command("GET", "displayed", &Value::Null) == true
    }

    /// Whether it can be used.
    pub fn is_enabled(&self) -> bool {
        self.command("GET", "enabled", &Value::Null) == true
    }

    /// Whether it is ticked.
    pub fn is_selected(&self) -> bool {
        self.command("GET", "selected", &Value::Null) == true
    }

    /// The value of this CSS property.
    pub fn style(&self, property: &str) -> String {
        self.text_of(&format!("css/{property}"))
    }

    /// Clicks in its middle, and fails where something else lies above it.
    pub fn click(&self) {
        self.command("POST", "click", &json!({}));
    }

    /// Empties a field and types this into it.
    pub fn fill(&self, text: &str) {
        self.command("POST", "clear", &json!({}));
        self.command("POST", "value", &json!({ "text": text }));
    }

    fn text_of(&self, what: &str) -> String {
        let text = self.command("GET", what, &Value::Null);
        text.as_str().expect("a text").to_owned()
    }

    fn command(&self, method: &str, what: &str, body: &Value) -> Value {
        self.browser.command(method, &format!("/element/{}/{what}", self.id), body)
    }
}

/// Asks again and again until `ask` finds something; a page changes when it can, not when it is asked.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "not in {} s: {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(20));
    }
}

/// The program that this environment variable names, or the one of this name on PATH.
fn program(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return path.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = env::split_paths(&path).map(|directory| directory.join(name));
    let found = candidates.find(|candidate| candidate.is_file());
    found.unwrap_or_else(|| panic!("{name} is not on PATH; install it, or set {variable} to where it is"))
}

/// An empty directory that no other browser has.
fn new_profile() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{}-{number}", std::process::id()));
    fs::create_dir_all(&path).expect("a directory for the profile");
    path
}

/// A driver and its port. It chooses a port that is free for IPv4, and ends if another program has
/// that port for IPv6; then another attempt chooses another port.
fn start_driver() -> (Child, u16) {
    for _ in 0..5 {
        let mut driver = Command::new(program("CHROMEDRIVER", "chromedriver"))
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver starts");
        if let Some(port) = port_of(&mut driver) {
            return (driver, port);
        }
        let _ = driver.kill();
        let _ = driver.wait();
    }
    panic!("chromedriver says no port, five times");
}

/// The port that the driver has chosen; it says so on stdout.
fn port_of(driver: &mut Child) -> Option<u16> {
    let stdout = BufReader::new(driver.stdout.take().expect("stdout is a pipe"));
    let (sender, ports) = mpsc::channel();
    // A thread of its own, because a pipe has no read timeout; it reads on so that the driver can write on.
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            let port = line
                .rsplit_once("successfully on port ")
                .and_then(|(_, rest)| rest.trim_end_matches('.').parse().ok());
            if let Some(port) = port {
                let _ = sender.send(port);
            }
        }
    });
    ports.recv_timeout(PATIENCE).ok()
}

/// Sends a request and gives the body of its response, which has a `Content-Length`.
fn exchange(address: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(2 * PATIENCE))?;
    stream.write_all(request)?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}
