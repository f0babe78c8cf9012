//! The page at `/docs` as a reader meets it: its parts, and what is done with them.

use serde_json::Value;

use crate::support::TestServer;
use crate::webdriver::{Browser, Element, TAB, eventually};

/// The page, as a reader meets it.
pub struct Page {
    pub browser: Browser,
    pub origin: String,
}

impl Page {
    /// Opens the page for a reader of these languages.
    pub fn open(languages: &str, origin: &str, path: &str) -> Self {
        let page = Self { browser: Browser::start(languages), origin: origin.to_owned() };
        page.browser.open(&format!("{origin}{path}"));
        page.is_ready();
        page
    }

    /// Waits until the document is read and shown.
    pub fn is_ready(&self) {
        eventually("the page shows its operations", || self.browser.elements("#operations article").pop());
    }

    /// The part of the page that is not the dialog.
    pub fn main(&self) -> Region<'_> {
        self.region("main")
    }

    /// The dialog, which has to be open.
    pub fn dialog(&self) -> Region<'_> {
        self.region("dialog[open]")
    }

    /// The operation with this method, path and summary.
    pub fn operation(&self, name: &str) -> Region<'_> {
        let mut articles = self.browser.elements("#operations article").into_iter();
        let found = articles.find(|article| article.elements("summary")[0].name() == name);
        Region { page: self, root: found.unwrap_or_else(|| panic!("no operation {name}")) }
    }

    /// The part that this CSS selector finds.
    pub fn region(&self, selector: &str) -> Region<'_> {
        let root = self.browser.elements(selector).pop();
        Region { page: self, root: root.unwrap_or_else(|| panic!("no {selector} on the page")) }
    }

    /// Logs in: the dialog, the two fields, the button; leaves the dialog open.
    pub fn authorize(&self, username: &str, password: &str) {
        self.main().click("Authorize");
        self.dialog().field("username").fill(username);
        self.dialog().field("password").fill(password);
        self.dialog().click("Authorize");
    }

    /// Logs in as johndoe and closes the dialog.
    pub fn log_in(&self) {
        self.authorize("johndoe", "secret");
        self.dialog().shows("Authorized");
        self.dialog().click("Close");
    }

    /// Opens an operation and presses its "Try it out".
    pub fn try_out(&self, name: &str) -> Region<'_> {
        let operation = self.operation(name);
        operation.click(name);
        operation.click("Try it out");
        operation
    }

    /// Presses this key, wherever the focus is.
    pub fn press(&self, key: char) {
        self.browser.press(&key.to_string());
    }

    /// Waits until the focus is on what a screen reader calls so.
    pub fn focus_is_on(&self, name: &str) {
        eventually(&format!("the focus is on {name:?}"), || {
            (self.browser.focused().name() == name).then_some(())
        });
    }

    /// Presses Tab until the focus is there.
    pub fn tab_to(&self, name: &str) {
        let found = (0..20).any(|_| {
            self.press(TAB);
            self.browser.focused().name() == name
        });
        assert!(found, "Tab does not come to {name:?}");
    }

    /// Ends a visit: the console has shown, at whatever level, no more than the browser's own words
    /// about these statuses, and nothing has been asked of anybody else.
    pub fn was_quiet_but_for(&self, statuses: &[&str]) {
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
    pub fn evaluate(&self, expression: &str) -> Value {
        self.browser.run(&format!("return {expression}"), &[])
    }
}

/// The program with these flags, and its page for a reader of these languages.
pub fn visit(languages: &str, flags: &[&str]) -> (TestServer, Page) {
    let server = TestServer::start_with(&[&["--port", "0", "--no-access-log"], flags].concat());
    let page = Page::open(languages, &format!("http://{}", server.address()), "/docs");
    (server, page)
}

/// A part of the page in which a name means one thing.
pub struct Region<'page> {
    page: &'page Page,
    pub root: Element<'page>,
}

impl Region<'_> {
    /// Presses the one visible button, or summary, that a screen reader calls so.
    pub fn click(&self, name: &str) {
        let mut found = self.buttons(name);
        assert_eq!(found.len(), 1, "{} buttons are called {name:?} in:\n{}", found.len(), self.text());
        found.remove(0).click();
    }

    /// The visible buttons, and summaries, that a screen reader calls so.
    pub fn buttons(&self, name: &str) -> Vec<Element<'_>> {
        let candidates = self.root.elements("button, summary").into_iter();
        candidates.filter(|button| button.is_displayed() && button.name() == name).collect()
    }

    /// What the one button of this name is filled with.
    pub fn colour_of(&self, name: &str) -> String {
        self.buttons(name)[0].style("background-color")
    }

    /// The field whose label begins with this word.
    pub fn field(&self, name: &str) -> Element<'_> {
        let found = self
            .root
            .elements("input")
            .into_iter()
            .find(|input| input.name().split(' ').next() == Some(name));
        found.unwrap_or_else(|| panic!("no field {name:?} in:\n{}", self.text()))
    }

    /// What a reader sees of it.
    pub fn text(&self) -> String {
        self.root.text()
    }

    /// Waits until a reader sees these words.
    pub fn shows(&self, words: &str) {
        eventually(&format!("{words:?} is shown"), || self.text().contains(words).then_some(()));
    }

    /// Waits until there is something under this heading, and gives its text to the letter.
    pub fn under(&self, heading: &str) -> String {
        let body = "const titles = [...arguments[0].querySelectorAll('h4')];
            return titles.find((title) => title.textContent === arguments[1])?.nextElementSibling.textContent ?? null";
        let arguments = [self.root.reference(), heading.into()];
        eventually(&format!("something under {heading:?}"), || {
            self.page.browser.run(body, &arguments).as_str().map(str::to_owned)
        })
    }

    /// The texts of the steps that it lists, each on two lines: section and finding, and the place.
    pub fn steps(&self) -> Vec<String> {
        eventually("a list of steps", || self.root.elements("ol").pop());
        self.root.elements("ol > li").iter().map(Element::text).collect()
    }

    /// Presses "Execute" and waits for the response with this code.
    pub fn execute(&self, code: &str, details: &str) {
        self.click("Execute");
        let status = format!("{code} {details}");
        eventually(&status, || (self.root.elements("form output").pop()?.text() == status).then_some(()));
        assert_eq!(self.under("Server response"), format!("Code{code}Details{details}"));
    }

    /// Presses "Copy" and gives what is in the clipboard then.
    pub fn copy(&self) -> String {
        self.page.browser.permit("clipboard-read");
        self.click("Copy");
        self.shows("Copied.");
        let text = self.page.evaluate("navigator.clipboard.readText()");
        text.as_str().expect("text in the clipboard").to_owned()
    }
}
