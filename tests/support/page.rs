//! The page at `/docs` in a real browser: its parts, and what a reader does with them.
//!
//! The browser is driven over the WebDriver protocol (W3C), which is plain HTTP and JSON. Our own small
//! client and not a crate, because the kept ones bring an asynchronous runtime, a TLS stack and a
//! hundred crates more than this program has; what the tests need of the protocol is a dozen commands.

use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Deserializer, Value, json};

use crate::support::{Lines, Process, TestServer};

/// How long a command, or a change on the page, may take; a browser that starts takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The name under which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A name that means this machine, and that a browser does not know for this machine.
pub const ANOTHER_MACHINE: &str = "another.machine.test";

/// The keys, as the protocol encodes them.
const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";
pub const ESCAPE: &str = "\u{E00C}";
pub const SPACE: &str = " ";

/// The program with these flags, and its page for a reader of these languages.
pub fn visit(languages: &str, flags: &[&str]) -> (TestServer, Page) {
    let server = TestServer::start_with(&[&["--port", "0", "--no-access-log"], flags].concat());
    let page = Page::open(languages, server.address());
    (server, page)
}

/// A page in a browser of its own, with an empty profile, and the driver that the browser hangs on.
/// All of them end when this is dropped.
pub struct Page {
    driver: Process,
    /// Read on, so that the driver can write on.
    _output: Lines,
    session: String,
    profile: String,
}

impl Page {
    /// Starts a browser whose user reads these languages, such as `ko-KR,en`.
    pub fn start(languages: &str) -> Self {
        let (driver, output) = start_driver();
        let mut page = Self { driver, _output: output, session: String::new(), profile: String::new() };
        let session = page.request("POST", "/session", &capabilities(languages)).expect("a session");
        page.session = text(&session["sessionId"]);
        page.profile = text(&session["capabilities"]["chrome"]["userDataDir"]);
        // Away from the browser's own first page, which asks for a hundred files of its own.
        page.load("about:blank");
        page.network(&[]);
        page
    }

    /// Opens the page at `/docs` of this server, for a reader of these languages.
    pub fn open(languages: &str, server: impl Display) -> Self {
        let page = Self::start(languages);
        page.load(&format!("http://{server}/docs"));
        page.region("#operations article");
        page
    }

    /// The part of the page that is not the dialog.
    pub fn main(&self) -> Element<'_> {
        self.region("main")
    }

    /// The dialog, once it is open.
    pub fn dialog(&self) -> Element<'_> {
        self.region("dialog[open]")
    }

    /// The operation with this method, path and summary.
    pub fn operation(&self, name: &str) -> Element<'_> {
        let mut articles = self.elements("#operations article").into_iter();
        let found = articles.find(|article| article.elements("summary")[0].name() == name);
        found.unwrap_or_else(|| panic!("no operation {name}"))
    }

    /// Waits until this CSS selector finds a part of the page.
    pub fn region(&self, selector: &str) -> Element<'_> {
        eventually(&format!("{selector} is on the page"), || self.elements(selector).pop())
    }

    /// Logs in: the dialog, the two fields, the button; leaves the dialog open.
    pub fn authorize(&self, username: &str, password: &str) {
        self.main().click("Authorize");
        self.dialog().fill_in(username, password);
        self.dialog().click("Authorize");
    }

    /// Logs in as johndoe and closes the dialog.
    pub fn log_in(&self) {
        self.authorize("johndoe", "secret");
        self.dialog().shows("Authorized");
        self.dialog().click("Close");
    }

    /// Opens an operation and presses its "Try it out".
    pub fn try_out(&self, name: &str) -> Element<'_> {
        let operation = self.operation(name);
        operation.click(name);
        operation.click("Try it out");
        operation
    }

    /// Presses Tab until the focus is on what a screen reader calls `at`, then these keys, and waits
    /// until the focus is on `then`.
    pub fn press_at(&self, at: &str, keys: &str, then: &str) {
        for _ in 0..20 {
            let focused = self.focused();
            if focused.name() == at {
                focused.press(keys);
                return self.focus_is_on(then);
            }
            focused.press(TAB);
        }
        panic!("Tab does not come to {at:?}");
    }

    pub fn focus_is_on(&self, name: &str) {
        eventually(&format!("the focus is on {name:?}"), || (self.focused().name() == name).then_some(()));
    }

    /// Ends a visit: the console has shown, at whatever level, no more than the browser's own words
    /// about these statuses, and nothing has been asked of anybody else.
    pub fn was_quiet_but_for(&self, statuses: &[&str]) {
        let expected =
            |line: &String| statuses.iter().any(|status| line.contains(&format!("a status of {status} ")));
        let noise: Vec<String> = self.log("browser").into_iter().filter(|line| !expected(line)).collect();
        assert_eq!(noise, Vec::<String>::new(), "on the console");
        let requests = self.network(&["Network.requestWillBeSent"]);
        let urls: Vec<String> = requests.iter().map(|event| text(&event["request"]["url"])).collect();
        assert!(urls.contains(&self.url("openapi.json")), "{urls:?}");
        let root = self.url(".");
        let own = |url: &String| url.starts_with(&root) || url == "data:,";
        assert!(urls.iter().all(own), "a foreign request: {urls:?}");
    }

    /// This relative URL, as it is meant on this page.
    pub fn url(&self, relative: &str) -> String {
        text(&self.run("return new URL(arguments[0], location).href", &[relative.into()]))
    }

    pub fn evaluate(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"), &[])
    }

    /// Goes to this address and waits until it is loaded.
    pub fn load(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Runs the body of a function in the page and gives what it returns, a promise fulfilled.
    pub fn run(&self, body: &str, arguments: &[Value]) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": body, "args": arguments }))
    }

    /// The elements that a CSS selector finds in the page.
    pub fn elements(&self, selector: &str) -> Vec<Element<'_>> {
        self.find("", selector)
    }

    fn focused(&self) -> Element<'_> {
        let found = self.command("GET", "/element/active", &json!({}));
        Element { page: self, id: text(&found[ELEMENT]) }
    }

    /// Sends the browser a command of its own protocol, DevTools.
    pub fn devtools(&self, command: &str, parameters: &Value) {
        self.command("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    /// What happened on the network since the last call: the parameters of the events with these
    /// names of the DevTools protocol.
    pub fn network(&self, names: &[&str]) -> Vec<Value> {
        let entries = self.log("performance").into_iter();
        let events = entries.map(|entry| entry.parse::<Value>().expect("an event is JSON")["message"].take());
        let wanted = events.filter(|event| names.contains(&event["method"].as_str().unwrap_or_default()));
        wanted.map(|mut event| event["params"].take()).collect()
    }

    /// What one of the browser's logs has to say since the last call; `browser` is the console.
    fn log(&self, kind: &str) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({ "type": kind }));
        entries.as_array().expect("a list of entries").iter().map(|entry| text(&entry["message"])).collect()
    }

    fn find(&self, below: &str, selector: &str) -> Vec<Element<'_>> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.command("POST", &format!("{below}/elements"), &query);
        let found = found.as_array().expect("a list").iter();
        found.map(|found| Element { page: self, id: text(&found[ELEMENT]) }).collect()
    }

    pub fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.request(method, &path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// One request to the driver; its responses carry the value, or the error, as JSON.
    fn request(&self, method: &str, path: &str, body: &Value) -> Result<Value, Box<dyn Error>> {
        let body = body.to_string();
        let (address, length) = (self.driver.address, body.len());
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(2 * PATIENCE))?;
        stream.write_all((head + &body).as_bytes())?;
        let mut response = BufReader::new(stream);
        while response.read_line(&mut String::new())? > "\r\n".len() {}
        // The driver keeps the connection, but an object shows where it ends.
        let mut objects = Deserializer::from_reader(response).into_iter::<Value>();
        let value = objects.next().ok_or("no response")??["value"].take();
        match value["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", value["message"]).into()),
            None => Ok(value),
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // The driver ends the browser with the session; killed alone, it would leave it behind.
        let _ = self.request("DELETE", &format!("/session/{}", self.session), &json!({}));
        let _ = fs::remove_dir_all(&self.profile);
    }
}

/// A part of the page, in which a name means one thing.
pub struct Element<'page> {
    page: &'page Page,
    id: String,
}

impl<'page> Element<'page> {
    /// Presses the one visible button, summary or box that a screen reader calls so.
    pub fn click(&self, name: &str) {
        let found = self.buttons(name);
        assert_eq!(found.len(), 1, "{} buttons are called {name:?} in:\n{}", found.len(), self.text());
        found[0].post("click", &json!({}));
    }

    /// The visible buttons, summaries and boxes that a screen reader calls so.
    pub fn buttons(&self, name: &str) -> Vec<Element<'page>> {
        let candidates = self.elements("button, summary, [type=checkbox]").into_iter();
        candidates.filter(|button| button.get("displayed") == true && button.name() == name).collect()
    }

    /// What the one button of this name is filled with.
    pub fn colour_of(&self, name: &str) -> Value {
        self.buttons(name)[0].get("css/background-color")
    }

    /// The field whose label begins with this word.
    pub fn field(&self, name: &str) -> Element<'page> {
        let mut inputs = self.elements("input").into_iter();
        let found = inputs.find(|input| input.name().split(' ').next() == Some(name));
        found.unwrap_or_else(|| panic!("no field {name:?} in:\n{}", self.text()))
    }

    /// Empties the field with this label and types this into it.
    pub fn fill(&self, name: &str, text: &str) {
        let field = self.field(name);
        field.post("clear", &json!({}));
        field.press(text);
    }

    pub fn fill_in(&self, username: &str, password: &str) {
        self.fill("username", username);
        self.fill("password", password);
    }

    /// Waits until a reader sees these words.
    pub fn shows(&self, words: &str) {
        eventually(&format!("{words:?} is shown"), || self.text().contains(words).then_some(()));
    }

    /// Waits until there is something under this heading, and gives its text to the letter.
    pub fn under(&self, heading: &str) -> String {
        let body = "const titles = [...arguments[0].querySelectorAll('h4')];
            return titles.find((title) => title.textContent === arguments[1])?.nextElementSibling.textContent";
        let arguments = [json!({ ELEMENT: self.id }), heading.into()];
        let look = || self.page.run(body, &arguments).as_str().map(str::to_owned);
        eventually(&format!("something under {heading:?}"), look)
    }

    /// The texts of the steps that it lists, each on two lines: section and finding, and the place.
    pub fn steps(&self) -> Vec<String> {
        eventually("a list of steps", || self.elements("ol").pop());
        self.elements("ol > li").iter().map(Element::text).collect()
    }

    /// Presses "Execute" and waits for the response with this code.
    pub fn execute(&self, code: &str, details: &str) {
        self.click("Execute");
        let status = format!("{code} {details}");
        eventually(&status, || (self.elements("form output").pop()?.text() == status).then_some(()));
        assert_eq!(self.under("Server response"), format!("Code{code}Details{details}"));
    }

    /// Presses "Copy" and gives what is in the clipboard then.
    pub fn copy(&self) -> String {
        let permission = json!({ "descriptor": { "name": "clipboard-read" }, "state": "granted" });
        self.page.command("POST", "/permissions", &permission);
        self.click("Copy");
        self.shows("Copied.");
        text(&self.page.evaluate("navigator.clipboard.readText()"))
    }

    /// The elements inside this one that a CSS selector finds.
    pub fn elements(&self, selector: &str) -> Vec<Element<'page>> {
        self.page.find(&format!("/element/{}", self.id), selector)
    }

    /// The name that a screen reader says.
    pub fn name(&self) -> String {
        text(&self.get("computedlabel"))
    }

    /// The text as a reader sees it.
    pub fn text(&self) -> String {
        text(&self.get("text"))
    }

    /// What the protocol tells of it under this name, such as `displayed`, `enabled`, or `selected`,
    /// which is a ticked box.
    pub fn get(&self, what: &str) -> Value {
        self.page.command("GET", &format!("/element/{}/{what}", self.id), &json!({}))
    }

    /// Types these keys while it has the focus.
    fn press(&self, keys: &str) {
        self.post("value", &json!({ "text": keys }));
    }

    /// Does this to it: `click` in its middle, which fails where something else lies above it, or
    /// `clear` a field.
    fn post(&self, what: &str, body: &Value) {
        self.page.command("POST", &format!("/element/{}/{what}", self.id), body);
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, and not {value}")).to_owned()
}

/// Asks again and again until `ask` finds something; a page changes when it can, not when it is asked.
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "not in {} s: {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(20));
    }
}

/// What the browser is to be like. No sandbox, because a container has none to offer; nothing that
/// calls home, because the tests are to see what the page asks for and nothing else.
fn capabilities(languages: &str) -> Value {
    let resolver = format!("--host-resolver-rules=MAP {ANOTHER_MACHINE} 127.0.0.1");
    let flags = ["--headless=new", "--no-sandbox", "--disable-component-update", &resolver];
    let preferences = json!({
        "intl.accept_languages": languages,
        // Its offer to keep a password would open above the page, between two clicks.
        "credentials_enable_service": false,
        "profile.password_manager_leak_detection": false,
    });
    json!({ "capabilities": { "alwaysMatch": {
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "goog:chromeOptions": { "args": flags, "prefs": preferences },
    } } })
}

/// A driver. It chooses a port that is free for IPv4, and ends if another program has that port for
/// IPv6; then another attempt chooses another port.
fn start_driver() -> (Process, Lines) {
    for _ in 0..5 {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("chromedriver, which has to be on PATH");
        let lines = Lines::of(BufReader::new(child.stdout.take().expect("stdout is a pipe")));
        let mut driver = Process { child, banner: String::new(), address: (Ipv4Addr::LOCALHOST, 0).into() };
        while let Some(line) = lines.next_within(PATIENCE) {
            if let Some((_, port)) = line.split_once("successfully on port ") {
                driver.address.set_port(port.trim_end_matches('.').parse().expect("a port"));
                return (driver, lines);
            }
        }
    }
    panic!("chromedriver says no port, five times");
}
