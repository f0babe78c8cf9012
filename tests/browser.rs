//! The page at `/docs` in a real browser, used as a reader of the chapter uses it: by the words on
//! its buttons, with a mouse, with the keyboard, on a phone, in the dark, in Korean.
//!
//! Run with `cargo test --test browser -- --ignored`; it needs `chromium` and `chromedriver`.

mod support;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use simple_oauth2::framework::docs;
use simple_oauth2::server::{Application, Limits, Request, Response, Server};
use support::TestServer;
use webdriver::{Browser, ENTER, ESCAPE, Element, SPACE, TAB, eventually};

const TOKEN: &str = "POST /token Login";
const USERS_ME: &str = "GET /users/me Read Users Me";
const JOHNDOE: &str = r#"{
  "username": "johndoe",
  "email": "johndoe@example.com",
  "full_name": "John Doe",
  "disabled": false,
  "hashed_password": "fakehashedsecret"
}"#;

/// The page, as a reader meets it.
struct Page {
    browser: Browser,
    origin: String,
}

impl Page {
    fn open(address: SocketAddr) -> Self {
        Self::open_in("en-US,en", address)
    }

    /// Opens the page for a reader of these languages.
    fn open_in(languages: &str, address: SocketAddr) -> Self {
        let browser = Browser::start(languages);
        let page = Self { browser, origin: format!("http://{address}") };
        page.browser.open(&format!("{}/docs", page.origin));
        page.is_ready();
        page
    }

    /// Waits until the document is read and shown.
    fn is_ready(&self) {
        eventually("the page shows its operations", || self.browser.elements("#operations article").pop());
    }

    /// The part of the page that is not the dialog.
    fn main(&self) -> Region<'_> {
        self.region("main")
    }

    /// The dialog, which has to be open.
    fn dialog(&self) -> Region<'_> {
        self.region("dialog[open]")
    }

    /// The operation with this method, path and summary.
    fn operation(&self, name: &str) -> Region<'_> {
        let mut articles = self.browser.elements("#operations article").into_iter();
        let found = articles.find(|article| article.elements("summary")[0].name() == name);
        Region { page: self, root: found.unwrap_or_else(|| panic!("no operation {name}")) }
    }

    fn region(&self, selector: &str) -> Region<'_> {
        let root = self.browser.elements(selector).pop();
        Region { page: self, root: root.unwrap_or_else(|| panic!("no {selector} on the page")) }
    }

    /// Logs in: the dialog, the two fields, the button; leaves the dialog open.
    fn authorize(&self, username: &str, password: &str) {
        self.main().click("Authorize");
        self.dialog().field("username").fill(username);
        self.dialog().field("password").fill(password);
        self.dialog().click("Authorize");
    }

    /// Logs in as johndoe and closes the dialog.
    fn log_in(&self) {
        self.authorize("johndoe", "secret");
        self.dialog().shows("Authorized");
        self.dialog().click("Close");
    }

    /// Opens an operation and presses its "Try it out".
    fn try_out(&self, name: &str) -> Region<'_> {
        let operation = self.operation(name);
        operation.click(name);
        operation.click("Try it out");
        operation
    }

    fn press(&self, key: char) {
        self.browser.press(&key.to_string());
    }

    /// Waits until the focus is on what a screen reader calls so.
    fn focus_is_on(&self, name: &str) {
        eventually(&format!("the focus is on {name:?}"), || {
            (self.browser.focused().name() == name).then_some(())
        });
    }

    /// Presses Tab until the focus is there.
    fn tab_to(&self, name: &str) {
        let found = (0..20).any(|_| {
            self.press(TAB);
            self.browser.focused().name() == name
        });
        assert!(found, "Tab does not come to {name:?}");
    }

    /// Ends a visit: the console has shown no more than the browser's own words about these
    /// statuses, and nothing has been asked of anybody else.
    fn was_quiet_but_for(&self, statuses: &[&str]) {
        let expected =
            |line: &String| statuses.iter().any(|status| line.contains(&format!("a status of {status} ")));
        let noise: Vec<String> = self.browser.console().into_iter().filter(|line| !expected(line)).collect();
        assert_eq!(noise, Vec::<String>::new(), "on the console");
        let requests = self.browser.network(&["Network.requestWillBeSent"]);
        let urls: Vec<&str> = requests.iter().filter_map(|event| event["request"]["url"].as_str()).collect();
        assert!(urls.contains(&format!("{}/openapi.json", self.origin).as_str()), "{urls:?}");
        let own = |url: &&str| url.starts_with(&format!("{}/", self.origin)) || *url == "data:,";
        assert!(urls.iter().all(own), "a foreign request: {urls:?}");
    }

    /// The value of this expression in the page.
    fn evaluate(&self, expression: &str) -> Value {
        self.browser.run(&format!("return {expression}"), &[])
    }
}

/// A part of the page in which a name means one thing.
struct Region<'page> {
    page: &'page Page,
    root: Element<'page>,
}

impl Region<'_> {
    /// Presses the one visible button, or summary, that a screen reader calls so.
    fn click(&self, name: &str) {
        let mut found = self.buttons(name);
        assert_eq!(found.len(), 1, "{} buttons are called {name:?} in:\n{}", found.len(), self.text());
        found.remove(0).click();
    }

    /// The visible buttons, and summaries, that a screen reader calls so.
    fn buttons(&self, name: &str) -> Vec<Element<'_>> {
        let candidates = self.root.elements("button, summary").into_iter();
        candidates.filter(|button| button.is_displayed() && button.name() == name).collect()
    }

    /// The field whose label begins with this word.
    fn field(&self, name: &str) -> Element<'_> {
        let found = self
            .root
            .elements("input")
            .into_iter()
            .find(|input| input.name().split(' ').next() == Some(name));
        found.unwrap_or_else(|| panic!("no field {name:?} in:\n{}", self.text()))
    }

    /// What a reader sees of it.
    fn text(&self) -> String {
        self.root.text()
    }

    /// Waits until a reader sees these words.
    fn shows(&self, words: &str) {
        eventually(&format!("{words:?} is shown"), || self.text().contains(words).then_some(()));
    }

    /// Waits until something stands under this heading, and gives its text to the letter.
    fn under(&self, heading: &str) -> String {
        let body = "const titles = [...arguments[0].querySelectorAll('h4')];
            return titles.find((title) => title.textContent === arguments[1])?.nextElementSibling.textContent ?? null";
        let arguments = [self.root.reference(), heading.into()];
        eventually(&format!("something under {heading:?}"), || {
            self.page.browser.run(body, &arguments).as_str().map(str::to_owned)
        })
    }

    /// Presses "Execute" and waits for the answer with this code.
    fn execute(&self, code: &str, details: &str) {
        self.click("Execute");
        let status = format!("{code} {details}");
        eventually(&status, || (self.root.elements("output").pop()?.text() == status).then_some(()));
        assert_eq!(self.under("Server response"), format!("Code{code}Details{details}"));
    }
}

/// Section 6 of the chapter, click for click, and all that the server saw of it.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn section_6_is_followed_click_for_click() {
    let server = TestServer::start_with(&["--port", "0"]);
    let page = Page::open(server.address());
    assert!(page.main().text().starts_with("FastAPI"), "{}", page.main().text());
    assert!(page.main().text().contains("0.1.0"), "{}", page.main().text());
    section_6_1_authenticate(&page);
    section_6_2_get_your_own_user_data(&page);
    section_6_2_log_out_and_try_again(&page);
    section_6_3_inactive_user(&page);
    let lines = [
        "\"GET /docs HTTP/1.1\" 200 OK",
        "\"GET /openapi.json HTTP/1.1\" 200 OK",
        "\"POST /token HTTP/1.1\" 200 OK",
        "\"GET /users/me HTTP/1.1\" 200 OK",
        "\"GET /users/me HTTP/1.1\" 401 Unauthorized",
        "\"POST /token HTTP/1.1\" 200 OK",
        "\"GET /users/me HTTP/1.1\" 400 Bad Request",
    ];
    for expected in lines {
        let line = server.next_line();
        assert!(line.ends_with(expected), "{line} instead of {expected}");
    }
    assert_eq!(server.next_line_within(Duration::from_millis(300)), None, "nothing was asked for unasked");
    page.was_quiet_but_for(&["401", "400"]);
}

fn section_6_1_authenticate(page: &Page) {
    page.main().click("Authorize");
    let dialog = page.dialog();
    for words in ["Available authorizations", "OAuth2PasswordBearer (OAuth2, password)"] {
        dialog.shows(words);
    }
    dialog.shows("Token URL: token");
    dialog.shows("Flow: password");
    for name in ["username", "password", "client_id", "client_secret"] {
        assert!(dialog.field(name).is_displayed(), "{name}");
    }
    dialog.field("username").fill("johndoe");
    dialog.field("password").fill("secret");
    dialog.click("Authorize");
    dialog.shows("Authorized");
    dialog.shows("username: johndoe");
    dialog.shows("password: ******");
    assert_eq!(dialog.buttons("Logout").len(), 1);
    dialog.click("Close");
}

fn section_6_2_get_your_own_user_data(page: &Page) {
    let users_me = page.operation(USERS_ME);
    users_me.click(USERS_ME);
    users_me.shows("Parameters");
    users_me.shows("No parameters");
    users_me.click("Try it out");
    users_me.execute("200", "OK");
    assert_eq!(users_me.under("Response body"), JOHNDOE);
    assert_eq!(users_me.under("Request URL"), format!("{}/users/me", page.origin));
    assert!(
        users_me.under("Curl").ends_with("-H 'Authorization: Bearer johndoe'"),
        "{}",
        users_me.under("Curl")
    );
    assert!(users_me.under("Response headers").contains("content-type: application/json"));
}

fn section_6_2_log_out_and_try_again(page: &Page) {
    let users_me = page.operation(USERS_ME);
    users_me.click("Authorization of GET /users/me");
    page.dialog().click("Logout");
    page.dialog().click("Close");
    users_me.execute("401", "Unauthorized");
    assert_eq!(users_me.under("Response body"), "{\n  \"detail\": \"Not authenticated\"\n}");
    assert!(users_me.under("Response headers").contains("www-authenticate: Bearer"));
}

fn section_6_3_inactive_user(page: &Page) {
    page.authorize("alice", "secret2");
    page.dialog().shows("Authorized");
    page.dialog().click("Close");
    let users_me = page.operation(USERS_ME);
    users_me.execute("400", "Bad Request");
    assert_eq!(users_me.under("Response body"), "{\n  \"detail\": \"Inactive user\"\n}");
    users_me.click("Clear");
    assert!(!users_me.text().contains("Inactive user"));
    users_me.click("Cancel");
    assert_eq!(users_me.buttons("Try it out").len(), 1);
    assert!(users_me.buttons("Execute").is_empty());
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_refused_login_shows_the_words_of_the_server() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    page.authorize("johndoe", "wrong");
    page.dialog().shows("400 Bad Request: Incorrect username or password");
    assert!(page.dialog().buttons("Logout").is_empty(), "nobody is logged in");
    assert!(!page.dialog().text().contains("Authorized"));

    // What was typed is still there to be mended.
    page.dialog().field("password").fill("secret");
    page.dialog().click("Authorize");
    page.dialog().shows("Authorized");
    assert!(!page.dialog().text().contains("Incorrect"));
    page.dialog().click("Logout");

    // Nothing is checked in the page: it is the server that misses the fields.
    page.dialog().click("Authorize");
    page.dialog().shows("Unprocessable");
    page.dialog().shows("Field required");
    page.was_quiet_but_for(&["400", "422"]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn post_token_has_its_own_form() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    let token = page.operation(TOKEN);
    token.click(TOKEN);
    token.shows("application/x-www-form-urlencoded");
    token.shows("422\nValidation Error");
    let labels = [
        ("grant_type", "grant_type string, pattern ^password$ or null"),
        ("username", "username required, string"),
        ("password", "password required, string, password"),
        ("scope", "scope string"),
        ("client_id", "client_id string or null"),
        ("client_secret", "client_secret string or null, password"),
    ];
    for (name, label) in labels {
        assert_eq!(token.field(name).name(), label);
        assert!(!token.field(name).is_enabled(), "{name} before Try it out");
    }
    assert!(token.buttons("Authorization of POST /token").is_empty(), "no lock where none is needed");

    token.click("Try it out");
    token.execute("422", "Unprocessable Entity");
    assert!(token.under("Response body").contains("\"msg\": \"Field required\""));

    token.field("username").fill("johndoe");
    token.field("password").fill("secret");
    token.execute("200", "OK");
    assert_eq!(
        token.under("Response body"),
        "{\n  \"access_token\": \"johndoe\",\n  \"token_type\": \"bearer\"\n}"
    );
    // It answers a question; it is not a login.
    page.try_out(USERS_ME).execute("401", "Unauthorized");
    page.was_quiet_but_for(&["422", "401"]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_password_is_masked_until_it_is_asked_for() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    let token = page.try_out(TOKEN);
    token.field("username").fill("johndoe");
    token.field("password").fill("secret");
    token.field("client_secret").fill("hidden");
    token.execute("200", "OK");
    for heading in ["Curl", "Request"] {
        let shown = token.under(heading);
        assert!(shown.contains("username=johndoe&password=******&client_secret=******"), "{shown}");
    }
    token.field("Show").click();
    for heading in ["Curl", "Request"] {
        let shown = token.under(heading);
        assert!(shown.contains("username=johndoe&password=secret&client_secret=hidden"), "{shown}");
    }
    token.field("Show").click();
    assert!(!token.text().contains("secret&"), "masked again");

    page.authorize("johndoe", "secret");
    page.dialog().shows("Authorized");
    assert!(page.dialog().under("Request").ends_with("grant_type=password&username=johndoe&password=******"));
    page.dialog().field("Show").click();
    assert!(page.dialog().under("Request").ends_with("grant_type=password&username=johndoe&password=secret"));
    page.dialog().click("Logout");
    assert!(!page.dialog().text().contains("johndoe"), "{}", page.dialog().text());
    let typed = page.evaluate("document.querySelector('dialog [name=password]').value");
    assert_eq!(typed, "", "the page has not kept the password");
    page.was_quiet_but_for(&[]);
}

/// Compares the page's view of the wire with what the browser itself reports of it.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn what_is_shown_as_sent_was_sent() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    page.log_in();
    let token = page.try_out(TOKEN);
    token.field("username").fill("한글 & <co>");
    token.field("password").fill("it's 100%");
    token.execute("400", "Bad Request");
    token.field("Show").click();
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");

    let names = ["Network.requestWillBeSentExtraInfo", "Network.responseReceivedExtraInfo"];
    let events = page.browser.network(&names);
    for operation in [&token, &users_me] {
        let sent = operation.under("Request");
        let (head, body) = sent.split_once("\n\n").expect("a head and a body");
        let (request_line, lines) = head.split_once('\n').expect("a request line");
        assert!(request_line.ends_with(" HTTP/1.1"), "{request_line}");
        for line in lines.lines() {
            let (name, value) = line.split_once(": ").expect("a header line");
            let was_sent = events.iter().any(|event| event["headers"][name] == value);
            assert!(was_sent, "{line} was not sent");
        }
        let length = format!("Content-Length: {}", body.len());
        assert!(body.is_empty() || head.contains(&length), "{head} with {} bytes", body.len());

        let came = operation.under("Response");
        let (head, _) = came.split_once("\n\n").expect("a head and a body");
        let came_so = |event: &Value| {
            let text = event["headersText"].as_str().unwrap_or_default();
            head.lines().all(|line| text.lines().any(|received| received == line))
        };
        assert!(events.iter().any(came_so), "{head} did not come");
    }
}

/// Runs the command that is shown under "Curl", in a shell, and gives what it prints.
fn run_curl(operation: &Region<'_>) -> String {
    let command = format!("{} --silent --show-error --max-time 10", operation.under("Curl"));
    let output = Command::new("sh").args(["-c", &command]).output().expect("a shell");
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
#[ignore = "needs chromium, chromedriver and curl"]
fn the_curl_command_repeats_the_request() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    page.log_in();
    let token = page.try_out(TOKEN);
    token.field("username").fill("johndoe");
    token.field("password").fill("it's $HOME \\ `100%`");
    token.field("grant_type").fill("pass'word");
    token.execute("422", "Unprocessable Entity");
    token.field("Show").click();
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    for operation in [&token, &users_me] {
        let printed: Value = serde_json::from_str(&run_curl(operation)).expect("JSON");
        let shown: Value = serde_json::from_str(&operation.under("Response body")).expect("JSON");
        assert_eq!(printed, shown);
    }
}

/// A command is pasted into a shell, so what a server gives as a token must not become a command.
#[test]
#[ignore = "needs chromium, chromedriver and curl"]
fn the_curl_command_is_one_command_whatever_the_token_is() {
    let page = Page::open(serve(|request| match request.path {
        "/docs" => the_page(request),
        "/openapi.json" => Response::page("application/json", include_str!("../src/openapi.json")),
        "/token" => {
            Response::new(200, "application/json", r#"{"access_token":"'; echo owned; ' $(echo `id`) \\"}"#)
        }
        _ => {
            let token = request.header("authorization").unwrap_or_default();
            Response::new(200, "text/plain", String::from_utf8_lossy(token))
        }
    }));
    page.log_in();
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(run_curl(&users_me), r"Bearer '; echo owned; ' $(echo `id`) \");
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_keyboard_alone_is_enough() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    page.tab_to("Authorize");
    page.press(ENTER);
    page.focus_is_on("username");
    page.press(ESCAPE);
    page.focus_is_on("Authorize");
    page.press(ENTER);
    page.focus_is_on("username");
    page.browser.press("johndoe");
    page.tab_to("password");
    page.browser.press("secret");
    page.press(ENTER);
    page.focus_is_on("Close");
    page.press(ENTER);
    page.focus_is_on("Authorize");

    page.tab_to(USERS_ME);
    page.press(ENTER);
    page.tab_to("Try it out");
    page.press(SPACE);
    page.focus_is_on("Cancel");
    page.tab_to("Execute");
    page.press(ENTER);
    page.operation(USERS_ME).shows("200 OK");
    page.focus_is_on("Execute");
    page.tab_to("Clear");
    page.press(ENTER);
    page.focus_is_on("Execute");
    page.was_quiet_but_for(&[]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_focus_comes_back_to_the_lock_that_opened_the_dialog() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    page.log_in();
    let lock = "Authorization of GET /users/me";
    page.tab_to(lock);
    page.press(ENTER);
    page.focus_is_on("Logout");
    // Enter on the switch belongs to no form: it must not log in once more, with empty fields.
    page.tab_to("Show the password");
    page.press(ENTER);
    page.press(SPACE);
    page.dialog().shows("password=secret");
    page.dialog().shows("Authorized");
    page.press(ESCAPE);
    page.focus_is_on(lock);
    page.press(ENTER);
    page.focus_is_on("Logout");
    page.press(ENTER);
    page.focus_is_on("username");
    page.was_quiet_but_for(&[]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_screen_reader_finds_names_roles_and_states() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    assert_eq!(page.evaluate("document.title"), "FastAPI");
    assert_eq!(page.evaluate("document.documentElement.lang"), "en");
    assert_eq!(page.region("main").root.role(), "main");
    let descriptions = "[...document.querySelectorAll('.lock')].map((lock) => lock.ariaDescription)";
    assert_eq!(page.evaluate(descriptions), json!(["unlocked", "unlocked"]));
    page.authorize("johndoe", "secret");
    page.dialog().shows("Authorized");
    assert_eq!(page.dialog().root.role(), "dialog");
    assert_eq!(page.dialog().root.name(), "Available authorizations");
    assert_eq!(page.region("dialog output").root.role(), "status");
    assert_eq!(page.evaluate(descriptions), json!(["locked", "locked"]));
    page.dialog().click("Close");
    page.try_out(TOKEN).execute("422", "Unprocessable Entity");
    page.try_out(USERS_ME).execute("200", "OK");
    for control in page.browser.elements("main button, main input, main summary, main a") {
        assert!(!control.is_displayed() || !control.name().is_empty(), "a {} without a name", control.role());
    }
    // Nobody who goes from heading to heading misses a level.
    let levels = page.evaluate(
        "[...document.querySelectorAll('main :is(h1,h2,h3,h4)')].map((title) => +title.localName[1])",
    );
    let levels: Vec<u64> = levels.as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    assert_eq!(levels[0], 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    page.was_quiet_but_for(&["422"]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn it_fits_a_phone_and_twice_the_size() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    page.log_in();
    page.try_out(TOKEN).execute("422", "Unprocessable Entity");
    page.try_out(USERS_ME).execute("200", "OK");
    page.browser.run("for (const details of document.querySelectorAll('details')) details.open = true", &[]);
    // What sticks out on the right, of the page and of its dialog.
    let body = "const wide = [...document.querySelectorAll('main *, dialog *, dialog')]
            .filter((place) => place.getBoundingClientRect().right > innerWidth + 0.5);
        const root = document.documentElement;
        if (root.scrollWidth > root.clientWidth) wide.push(root);
        return wide.map((place) => place.outerHTML.slice(0, 80))";
    for open in [false, true] {
        if open {
            page.main().click("Authorize");
        }
        // A phone; a window of 1280 × 1024 at 200 %; a phone whose owner wants letters twice as big.
        for (width, height, scale, letters) in
            [(360, 740, 2, "100%"), (640, 512, 2, "100%"), (360, 740, 2, "200%")]
        {
            page.browser.resize(width, height, scale);
            page.browser.run("document.documentElement.style.fontSize = arguments[0]", &[letters.into()]);
            assert_eq!(page.evaluate("innerWidth"), width);
            assert_eq!(page.browser.run(body, &[]), json!([]), "at {width} px with letters of {letters}");
        }
    }
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn light_and_dark_are_readable() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    page.try_out(TOKEN).execute("422", "Unprocessable Entity");
    page.try_out(USERS_ME).execute("401", "Unauthorized");
    page.authorize("johndoe", "wrong");
    page.dialog().shows("Incorrect username or password");
    // WCAG 2.2: the contrast of every text with what is painted behind it; 4.5 is enough.
    let body = r"const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
        const behind = (place) => {
            const colour = getComputedStyle(place).backgroundColor;
            return parts(colour)[3] === 0 ? behind(place.parentElement) : colour;
        };
        const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
            .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
        const texts = [...document.querySelectorAll('body *')].filter((place) => place.checkVisibility()
            && [...place.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
        return texts.map((place) => {
            const [dim, bright] = [light(getComputedStyle(place).color), light(behind(place))].sort((a, b) => a - b);
            return [(bright + 0.05) / (dim + 0.05), place.textContent.slice(0, 40)];
        })";
    let mut papers = Vec::new();
    for scheme in ["light", "dark"] {
        page.browser.prefer(scheme);
        papers.push(page.evaluate("getComputedStyle(document.body).backgroundColor"));
        let texts = page.browser.run(body, &[]);
        let texts = texts.as_array().expect("a list");
        assert!(texts.len() > 50, "{} texts", texts.len());
        for text in texts {
            assert!(text[0].as_f64() >= Some(4.5), "{scheme}: {text}");
        }
    }
    assert_ne!(papers[0], papers[1]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_reload_loses_the_login() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    page.main().shows("a reload forgets it");
    page.log_in();
    page.try_out(USERS_ME).execute("200", "OK");
    assert_eq!(
        page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]"),
        json!(["", 0, 0])
    );
    page.browser.reload();
    page.is_ready();
    page.try_out(USERS_ME).execute("401", "Unauthorized");
    page.main().click("Authorize");
    assert!(page.dialog().buttons("Logout").is_empty());
    let fields = "[...document.querySelectorAll('dialog input')].map((input) => input.value).join('')";
    assert_eq!(page.evaluate(fields), "");
    page.was_quiet_but_for(&["401"]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_explanations_follow_the_language_and_the_buttons_do_not() {
    let english =
        ["This page reads openapi.json", "Empty fields are not sent", "On the wire", "Show the password"];
    let korean =
        ["이 페이지는 openapi.json을 읽어", "빈 field는 보내지 않는다", "실제로 오간 내용", "비밀번호 보기"];
    let server = TestServer::start();
    for (languages, expected) in
        [("ko-KR,ko,en", korean), ("en-GB,ko", english), ("de,ko,en", korean), ("fr", english)]
    {
        let page = Page::open_in(languages, server.address());
        let token = page.try_out(TOKEN);
        token.field("password").fill("secret");
        token.execute("422", "Unprocessable Entity");
        let others = if expected == korean { english } else { korean };
        for words in expected {
            page.main().shows(words);
        }
        page.main().click(if expected == korean { "English" } else { "한국어" });
        for (words, gone) in others.into_iter().zip(expected) {
            page.main().shows(words);
            assert!(!page.main().text().contains(gone), "{gone}");
        }
        let tongues = page.evaluate(
            "[...new Set([...document.querySelectorAll('[data-says]')].map((place) => place.lang))]",
        );
        assert_eq!(tongues, json!([if expected == korean { "en" } else { "ko" }]), "for those who listen");
        for name in ["Authorize", "Cancel", "Execute", "Clear"] {
            assert_eq!(page.main().buttons(name).len(), 1, "{name}");
        }
        page.was_quiet_but_for(&["422"]);
    }
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_server_that_has_gone_is_told_from_a_refusal() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    let users_me = page.try_out(USERS_ME);
    users_me.execute("401", "Unauthorized");
    drop(server);
    users_me.click("Execute");
    users_me.shows("No response. Is the server still running?");
    assert!(!users_me.text().contains("Unauthorized"), "the old answer is not the answer to this");
    page.authorize("johndoe", "secret");
    page.dialog().shows("No response. Is the server still running?");
    assert!(page.dialog().buttons("Logout").is_empty());
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_document_that_is_missing_is_said() {
    let address = serve(|request| match request.path {
        "/docs" => the_page(request),
        _ => Response::new(404, "application/json", r#"{"detail":"Not Found"}"#),
    });
    let browser = Browser::start("en");
    browser.open(&format!("http://{address}/docs"));
    let words = "Failed to load API definition. Error: 404 Not Found";
    eventually(words, || browser.elements("main").pop()?.text().contains(words).then_some(()));
}

/// OpenAPI, "Relative References in API URLs": a relative `tokenUrl` begins at the server's URL,
/// and a path is appended to it.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn urls_begin_where_the_server_does() {
    let page = Page::open(serve(|request| match request.path {
        "/docs" => the_page(request),
        "/openapi.json" => {
            let document = include_str!("../src/openapi.json");
            let mut document: Value = serde_json::from_str(document).expect("the document is JSON");
            document["servers"] = json!([{ "url": "behind/a/proxy/" }]);
            Response::new(200, "application/json", document.to_string())
        }
        "/behind/a/proxy/token" => Response::new(200, "application/json", r#"{"access_token":"far"}"#),
        "/behind/a/proxy/users/me" => Response::new(200, "text/plain", "here"),
        _ => Response::new(404, "text/plain", "lost"),
    }));
    page.log_in();
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(users_me.under("Response body"), "here");
    assert!(
        users_me.under("Request").ends_with("Authorization: Bearer far\n\n"),
        "{}",
        users_me.under("Request")
    );
}

/// Serves these answers.
fn serve(answer: fn(&Request<'_>) -> Response) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    let application = Application { reads_body: |_| true, answer };
    thread::spawn(move || {
        Server { listener, application, limits: Limits::DEFAULT, access_log: None }.run().map(|_| ())
    });
    address
}

/// The page as the program serves it.
fn the_page(request: &Request<'_>) -> Response {
    docs(request).unwrap_or_else(|_| unreachable!("the page is always there"))
}

/// What an attacker would like the page to run.
const HOSTILE: &str =
    r#"<img src="x" onerror="document.title='owned'"><script>document.title='owned'</script>"#;

/// A document in which every text is [`HOSTILE`], with field names that shadow those of a form.
fn hostile_document() -> String {
    let schema = json!({ "type": HOSTILE, "pattern": HOSTILE, "format": HOSTILE, "default": HOSTILE });
    let fields = json!({ HOSTILE: schema, "reset": schema, "elements": schema, "__proto__": schema });
    let body = json!({ "type": "object", "properties": fields, "required": [HOSTILE] });
    let form = json!({ "content": { "application/x-www-form-urlencoded": { "schema": body } } });
    let operation = json!({
        "summary": HOSTILE,
        "parameters": [{ "name": HOSTILE, "in": HOSTILE }],
        "requestBody": form,
        "responses": { HOSTILE: { "description": HOSTILE } },
        "security": [{ HOSTILE: [] }],
    });
    let flows = json!({ "password": { "tokenUrl": format!("token?{HOSTILE}"), "scopes": {} } });
    let document = json!({
        "openapi": HOSTILE,
        "info": { "title": HOSTILE, "version": HOSTILE },
        "paths": { format!("/{HOSTILE}"): { "post": operation } },
        "components": {
            "schemas": { HOSTILE: body },
            "securitySchemes": { HOSTILE: { "type": "oauth2", "flows": flows } },
        },
    });
    document.to_string()
}

/// Serves the page as it is, and around it nothing but malice.
fn hostile_answer(request: &Request<'_>) -> Response {
    match request.path {
        "/docs" => the_page(request),
        "/openapi.json" => Response::new(200, "application/json", hostile_document()),
        "/token" => Response::new(400, "application/json", json!({ "detail": HOSTILE }).to_string()),
        _ => {
            let mut response = Response::new(200, "text/html; charset=utf-8", HOSTILE);
            response.headers.push(("x-hostile", HOSTILE.into()));
            response
        }
    }
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn hostile_text_stays_text() {
    let page = Page::open(serve(hostile_answer));
    page.browser.run("for (const details of document.querySelectorAll('details')) details.open = true", &[]);
    let operation = page.region("#operations article");
    operation.click("Try it out");
    operation.execute("200", "OK");
    assert_eq!(operation.under("Response body"), HOSTILE);
    assert!(operation.under("Response headers").contains(&format!("x-hostile: {HOSTILE}")));
    page.authorize("johndoe", "secret");
    page.dialog().shows(&format!("400 Bad Request: {HOSTILE}"));
    page.dialog().shows(&format!("Token URL: token?{HOSTILE}"));

    assert_eq!(page.evaluate("document.querySelector('h1').textContent"), HOSTILE);
    assert_eq!(page.evaluate("document.title"), HOSTILE, "and not what its script wants");
    assert_eq!(page.evaluate("document.querySelectorAll('img').length"), 0);
    assert_eq!(page.evaluate("document.scripts.length"), 1);
    page.was_quiet_but_for(&["400"]);
}

/// The header is the second lock on the same door: it holds even if the script had a mistake.
#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_policy_stops_what_the_page_never_does() {
    let server = TestServer::start();
    let page = Page::open(server.address());
    let markup = "try { document.body.innerHTML = '<b>markup</b>' } catch (error) { return error.name }";
    assert_eq!(page.browser.run(markup, &[]), "TypeError", "text never becomes markup");
    let fetch = "return new Promise((stopped) => {
            document.addEventListener('securitypolicyviolation', (event) => stopped(event.effectiveDirective));
            fetch(arguments[0], { mode: 'no-cors' }).catch(() => {});
        })";
    let elsewhere = format!("http://localhost:{}/users/me", server.address().port());
    assert_eq!(page.browser.run(fetch, &[elsewhere.into()]), "connect-src", "a token never goes elsewhere");
    let inline = "const button = document.createElement('button');
        try { button.setAttribute('onclick', 'document.title = `owned`') } catch (error) { return error.name }";
    assert_eq!(page.browser.run(inline, &[]), "TypeError", "text never becomes a script");
}
