//! The page at `/docs` in a real browser, used as a reader of the chapter uses it: by the words on
//! its buttons, with a mouse, with the keyboard, on a phone, in the dark, in Korean.
//!
//! Run with `cargo test --test browser`; it needs `chromium`, `chromedriver` and `curl`, and so a
//! plain `cargo test` leaves it out.

#[path = "support/page.rs"]
mod page;
mod support;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread;
use std::time::Duration;

use page::{Page, visit};
use serde_json::{Value, json};
use simple_oauth2::app::app;
use simple_oauth2::server::{self, Application, Config, Limits, Log, Request, Response};
use support::TestServer;
use webdriver::{ANOTHER_MACHINE, Browser, ENTER, ESCAPE, SPACE, eventually};

const TOKEN: &str = "POST /token Login";
const USERS_ME: &str = "GET /users/me Read Users Me";
const JOHNDOE: &str = r#"{
  "username": "johndoe",
  "email": "johndoe@example.com",
  "full_name": "John Doe",
  "disabled": false,
  "hashed_password": "fakehashedsecret"
}"#;

/// Section 6 of the chapter, click for click, and all that the server saw of it.
#[test]
fn section_6_is_followed_click_for_click() {
    let server = TestServer::start_with(&["--port", "0"]);
    let page = Page::open("en", &format!("http://{}", server.address()), "/docs");
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
    dialog.shows("johndoe / secret");
    let filled = dialog.colour_of("Authorize");
    assert_ne!(dialog.colour_of("Close"), filled);
    dialog.click("Authorize");
    dialog.shows("Authorized");
    dialog.shows("username: johndoe");
    dialog.shows("password: ******");
    assert_ne!(dialog.colour_of("Logout"), filled);
    assert_eq!(dialog.colour_of("Close"), filled, "the main button is the one that a reader wants now");
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
fn a_refused_login_shows_the_words_of_the_server() {
    let (_server, page) = visit("en", &[]);
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
fn post_token_has_its_own_form() {
    let (_server, page) = visit("en", &[]);
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
    // The response is shown, and no more: this is not a login.
    page.try_out(USERS_ME).execute("401", "Unauthorized");
    page.was_quiet_but_for(&["422", "401"]);
}

#[test]
fn the_password_is_masked_until_it_is_asked_for() {
    let (_server, page) = visit("en", &[]);
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
    assert!(!page.dialog().text().contains("username=johndoe"), "{}", page.dialog().text());
    let typed = page.evaluate("document.querySelector('dialog [name=password]').value");
    assert_eq!(typed, "", "the page has not kept the password");
    page.was_quiet_but_for(&[]);
}

/// Compares the page's view of the wire with what the browser itself reports of it.
#[test]
fn what_is_shown_as_sent_was_sent() {
    let (_server, page) = visit("en", &[]);
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
        let (head, body) = sent.split_once("\n\n").unwrap_or((&sent, ""));
        assert_eq!(sent.trim_end(), sent, "the box ends where the request does");
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

/// Runs a command in a shell, and gives what it prints.
fn run(command: &str) -> String {
    let command = format!("{command} --silent --show-error --max-time 10");
    let output = Command::new("sh").args(["-c", &command]).output().expect("a shell");
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_copied_command_repeats_the_request() {
    let (_server, page) = visit("en", &[]);
    page.log_in();
    let token = page.try_out(TOKEN);
    token.field("username").fill("johndoe");
    token.field("password").fill("secret");
    token.execute("200", "OK");
    assert!(token.under("Curl").ends_with("-d 'username=johndoe&password=******'"), "masked for the eye");
    assert_eq!(run(&token.copy()), r#"{"access_token":"johndoe","token_type":"bearer"}"#);
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(users_me.copy(), users_me.under("Curl"));
    for grant_type in ["password", "pass'word"] {
        token.field("password").fill("it's $HOME \\ `100%`");
        token.field("grant_type").fill(grant_type);
        let (code, details) =
            if grant_type == "password" { ("400", "Bad Request") } else { ("422", "Unprocessable Entity") };
        token.execute(code, details);
        let printed: Value = serde_json::from_str(&run(&token.copy())).expect("JSON");
        let shown: Value = serde_json::from_str(&token.under("Response body")).expect("JSON");
        assert_eq!(printed, shown);
    }
    page.was_quiet_but_for(&["400", "422"]);
}

/// A browser gives no clipboard to a page that came over plain http from another machine.
#[test]
fn without_a_clipboard_the_working_command_is_selected() {
    let server = TestServer::start();
    let page = Page::open("en", &format!("http://{ANOTHER_MACHINE}:{}", server.address().port()), "/docs");
    assert_eq!(page.evaluate("navigator.clipboard ?? null"), Value::Null);
    let token = page.try_out(TOKEN);
    token.field("username").fill("johndoe");
    token.field("password").fill("secret");
    token.execute("200", "OK");
    token.click("Copy");
    token.shows("Selected. Press Ctrl+C");
    let selected = page.evaluate("getSelection().toString()");
    let selected = selected.as_str().expect("a text").replace(ANOTHER_MACHINE, "127.0.0.1");
    assert_eq!(run(&selected), r#"{"access_token":"johndoe","token_type":"bearer"}"#);
    assert!(token.field("Show").is_selected(), "the switch says what is shown");
    page.was_quiet_but_for(&[]);
}

/// A command is pasted into a shell, so what a server gives as a token must not become a command.
#[test]
fn the_copied_command_is_one_command_whatever_the_token_is() {
    let page = open_on(|request| match request.path {
        "/docs" | "/openapi.json" => app(request),
        "/token" => {
            Response::new(200, "application/json", r#"{"access_token":"'; echo owned; ' $(echo `id`) \\"}"#)
        }
        _ => {
            let token = request.header("authorization").unwrap_or_default();
            Response::new(200, "text/plain", String::from_utf8_lossy(token).into_owned())
        }
    });
    page.log_in();
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(run(&users_me.copy()), r"Bearer '; echo owned; ' $(echo `id`) \");
}

#[test]
fn the_keyboard_alone_is_enough() {
    let (_server, page) = visit("en", &[]);
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
    page.press(ENTER);
    page.tab_to("Copy");
    page.press(ENTER);
    page.operation(USERS_ME).shows("Copied.");
    page.focus_is_on("Copy");
    page.was_quiet_but_for(&[]);
}

#[test]
fn the_focus_comes_back_to_the_lock_that_opened_the_dialog() {
    let (_server, page) = visit("en", &[]);
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
fn a_screen_reader_finds_names_roles_and_states() {
    let (_server, page) = visit("en", &["--explain"]);
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
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(users_me.root.elements("ol")[0].role(), "list");
    assert_eq!(users_me.root.elements("ol > *")[0].role(), "listitem");
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
fn it_fits_a_phone_and_twice_the_size() {
    let (_server, page) = visit("ko", &["--explain"]);
    page.log_in();
    let token = page.try_out(TOKEN);
    token.field("username").fill("johndoe");
    token.field("password").fill("secret");
    token.execute("200", "OK");
    token.click("Copy");
    token.shows("복사했다.");
    page.try_out(USERS_ME).execute("200", "OK");
    page.browser.run("for (const details of document.querySelectorAll('details')) details.open = true", &[]);
    for (tongue, open) in [("한국어", false), ("한국어", true), ("English", false), ("English", true)] {
        page.main().click(tongue);
        if open {
            page.main().click("Authorize");
        }
        // A phone; a window of 1280 × 1024 at 200 %; a phone whose owner wants letters twice as big.
        for (width, height, letters) in [(360, 740, "200%"), (640, 512, "100%"), (360, 740, "100%")] {
            page.browser.resize(width, height, 2);
            page.browser.run("document.documentElement.style.fontSize = arguments[0]", &[letters.into()]);
            assert_eq!(page.evaluate("innerWidth"), width);
            assert_eq!(page.browser.run(TOO_WIDE, &[]), json!([]), "at {width} px with letters of {letters}");
        }
        assert_eq!(page.browser.run(BROKEN, &[]), json!([]), "in {tongue}");
        if open {
            page.dialog().click("Close");
        }
    }
}

/// What sticks out on the right, of the page and of its dialog. In a box it scrolls.
const TOO_WIDE: &str = "const wide = [...document.querySelectorAll('main *, dialog *, dialog')]
        .filter((place) => place.getBoundingClientRect().right > innerWidth + 0.5);
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) wide.push(root);
    return wide.map((place) => place.outerHTML.slice(0, 80))";

/// The words of which a part is on the next line, and the boxes with more lines than their text.
const BROKEN: &str = r"const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const broken = [];
    const range = document.createRange();
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        if (!text.parentElement.checkVisibility()) continue;
        for (const word of text.data.matchAll(/[\p{L}\p{N}_]+/gu)) {
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const lines = new Set([...range.getClientRects()].map((part) => Math.round(part.top)));
            if (lines.size > 1) broken.push(word[0]);
        }
    }
    for (const box of document.querySelectorAll('pre')) {
        const { paddingTop, lineHeight } = getComputedStyle(box);
        const lines = Math.round((box.clientHeight - 2 * parseFloat(paddingTop)) / parseFloat(lineHeight));
        if (box.checkVisibility() && lines !== box.textContent.split('\n').length) broken.push(box.textContent);
    }
    return broken";

/// WCAG 2.2: the contrast of every text with what is painted under it, and its beginning.
const CONTRASTS: &str = r"const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
    const under = (place) => {
        const colour = getComputedStyle(place).backgroundColor;
        return parts(colour)[3] === 0 ? under(place.parentElement) : colour;
    };
    const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const texts = [...document.querySelectorAll('body *')].filter((place) => place.checkVisibility()
        && [...place.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
    return texts.map((place) => {
        const [dim, bright] = [light(getComputedStyle(place).color), light(under(place))].sort((a, b) => a - b);
        return [(bright + 0.05) / (dim + 0.05), place.textContent.slice(0, 40)];
    })";

#[test]
fn light_and_dark_are_readable() {
    let (_server, page) = visit("en", &["--explain"]);
    page.try_out(TOKEN).execute("422", "Unprocessable Entity");
    page.try_out(USERS_ME).execute("401", "Unauthorized");
    page.main().click("English"); // and there the mouse stays
    let badges = "['get', 'post'].map((name) =>
        getComputedStyle(document.querySelector(`.${name} .method`)).backgroundColor)";
    let mut papers = Vec::new();
    for (round, scheme) in ["light", "dark", "light", "dark"].into_iter().enumerate() {
        if round == 2 {
            page.authorize("johndoe", "wrong");
            page.dialog().shows("Incorrect username or password");
        }
        page.browser.prefer(scheme);
        papers.push(page.evaluate("getComputedStyle(document.body).backgroundColor"));
        let (blue, green) = ("rgb(97, 175, 254)", "rgb(73, 204, 144)");
        assert_eq!(page.evaluate(badges), json!([blue, green]), "as in the chapter's pictures");
        let texts = page.browser.run(CONTRASTS, &[]);
        let texts = texts.as_array().expect("a list");
        assert!(texts.len() > 50, "{} texts", texts.len());
        for text in texts {
            assert!(text[0].as_f64() >= Some(4.5), "{scheme}: {text}"); // what WCAG asks for
        }
    }
    assert_ne!(papers[0], papers[1]);
}

#[test]
fn a_reload_loses_the_login() {
    let (_server, page) = visit("en", &[]);
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

/// What the page explains of its own, in English and in Korean.
const EXPLANATIONS: [[&str; 2]; 7] = [
    ["A Rust program, simple-oauth2, serves this page", "Rust로 작성한 simple-oauth2가 이 페이지를 제공하고"],
    ["Empty fields are not sent", "빈 field는 보내지 않는다"],
    [
        "johndoe / secret, and alice / secret2, who is inactive.",
        "또는 비활성화된 사용자 alice / secret2로 시도해 보자.",
    ],
    ["On the wire", "실제로 오간 내용"],
    ["Show the password", "비밀번호 보기"],
    ["What the server did", "서버가 한 일"],
    ["start the server with this command: cargo run -- --explain", "여기에 나타난다. cargo run -- --explain"],
];

#[test]
fn the_explanations_follow_the_language_and_the_buttons_do_not() {
    let server = TestServer::start();
    let origin = format!("http://{}", server.address());
    for (languages, first) in [("ko-KR,ko,en", 1), ("en-GB,ko", 0), ("de,ko,en", 1), ("fr", 0)] {
        let page = Page::open(languages, &origin, "/docs");
        let token = page.try_out(TOKEN);
        token.field("password").fill("secret");
        token.execute("422", "Unprocessable Entity");
        it_speaks(&page, first);
        page.main().click(["English", "한국어"][1 - first]);
        it_speaks(&page, 1 - first);
        for name in ["Authorize", "Cancel", "Execute", "Clear", "Copy"] {
            assert_eq!(page.main().buttons(name).len(), 1, "{name}");
        }
        page.was_quiet_but_for(&["422"]);
    }
}

/// For those who look and for those who listen; `language` is a column of [`EXPLANATIONS`].
fn it_speaks(page: &Page, language: usize) {
    let main = page.main();
    for words in EXPLANATIONS {
        main.shows(words[language]);
        assert!(!main.text().contains(words[1 - language]), "{}", words[1 - language]);
    }
    let tag = ["en", "ko"][language];
    let tags = "[...new Set([...document.querySelectorAll('[data-says]')].map((place) => place.lang))]";
    assert_eq!(page.evaluate(tags), json!([tag]));
    let pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map((button) => button.lang)";
    assert_eq!(page.evaluate(pressed), json!([tag]));
    let filled = ["English", "한국어"].map(|name| main.colour_of(name) == main.colour_of("Execute"));
    assert_eq!(filled, [language == 0, language == 1], "which language looks chosen");
}

/// What `--explain` prints in the terminal, in the page: after a login, and after an operation.
#[test]
fn the_steps_of_the_server_are_shown_in_both_languages() {
    let (_server, page) = visit("en", &["--explain"]);
    page.authorize("johndoe", "secret");
    page.dialog().shows("Authorized");
    let login = page.dialog().steps();
    let sections = ["2", "3.1", "3.2", "3.3", "4"];
    assert_eq!(login.len(), sections.len(), "{login:?}");
    for (step, section) in login.iter().zip(sections) {
        assert!(step.starts_with(&format!("section {section}: ")), "{step}");
        let place = step.lines().last().expect("a place");
        assert!(place.starts_with("src/") && place.contains(".rs:"), "{step}");
    }
    assert!(login[2].starts_with("section 3.2: found johndoe in FAKE_USERS_DB\nsrc/app.rs:"), "{login:?}");
    page.dialog().click("Close");

    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    let steps = users_me.steps();
    assert!(steps.iter().any(|step| step.starts_with("section 5: the user is johndoe")), "{steps:?}");
    page.main().click("한국어");
    users_me.shows("서버가 한 일");
    let korean: Vec<String> =
        steps.iter().map(|step| step.replacen("section ", "", 1).replacen(':', "절:", 1)).collect();
    assert_eq!(users_me.steps(), korean);
    page.was_quiet_but_for(&[]);
}

/// RFC 9110 §5.6.4, and what `--explain` makes of texts that a header field cannot carry.
#[test]
fn the_steps_are_read_as_the_header_carries_them() {
    const HEADER: &str = r#"cache;desc="step1;desc=\"x\"", step1;desc="3.2 src/app.rs:7 \"a, b;\" is \\u{d55c}\\u{202e}...", step2;desc="4 src\\app.rs:8 done";dur=1, cut;desc="3 more steps, see the terminal", total;dur=2"#;
    let page = open_on(|request| match request.path {
        "/users/me" => {
            let mut response = Response::new(200, "text/plain", "here");
            response.headers.push(("server-timing", HEADER.into()));
            response
        }
        _ => app(request),
    });
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    let expected =
        ["section 3.2: \"a, b;\" is 한\\u{202e}...\nsrc/app.rs:7", "section 4: done\nsrc\\app.rs:8"];
    assert_eq!(users_me.steps(), expected);
    users_me.shows("3 more steps: see the terminal.");
    page.main().click("한국어");
    users_me.shows("나머지 3단계는 터미널에서 볼 수 있다.");
}

#[test]
fn a_server_that_has_gone_is_told_from_a_refusal() {
    let (server, page) = visit("en", &[]);
    let users_me = page.try_out(USERS_ME);
    users_me.execute("401", "Unauthorized");
    drop(server);
    users_me.click("Execute");
    users_me.shows("No response. Is the server still running?");
    assert!(!users_me.text().contains("Unauthorized"), "the old response is not the response to this");
    page.main().click("한국어");
    page.authorize("johndoe", "secret");
    page.dialog().shows("서버가 응답하지 않는다. 실행 중인지 확인해 보자.");
    assert!(page.dialog().buttons("Logout").is_empty());
}

#[test]
fn a_document_that_is_missing_is_said() {
    let address = serve(|request| match request.path {
        "/docs" => app(request),
        _ => Response::new(404, "application/json", r#"{"detail":"Not Found"}"#),
    });
    for (languages, words) in
        [("en", "Failed to load API definition."), ("ko", "API 정의를 불러오지 못했다.")]
    {
        let browser = Browser::start(languages);
        browser.open(&format!("http://{address}/docs"));
        let words = format!("{words}\nError: 404 Not Found");
        eventually(&words, || browser.elements("[role=alert]").pop().filter(|alert| alert.text() == words));
    }
}

#[test]
fn without_javascript_the_page_says_what_it_needs() {
    let server = TestServer::start();
    let browser = Browser::start("en");
    browser.without_scripts();
    browser.open(&format!("http://{}/docs", server.address()));
    let text = browser.elements("main")[0].text();
    assert!(text.contains("This page needs JavaScript"), "{text}");
    assert!(text.contains("이 페이지를 쓰려면 JavaScript를 켜야 한다."), "{text}");
}

/// OpenAPI, "Relative References in API URLs": a relative `tokenUrl` begins at the server's URL,
/// and a path is appended to it.
#[test]
fn urls_begin_where_the_document_says() {
    let page = open_on(|request| match request.path {
        "/openapi.json" => {
            let mut document: Value = serde_json::from_str(&app(request).body).expect("the document is JSON");
            document["servers"] = json!([{ "url": "far/away/" }]);
            Response::new(200, "application/json", document.to_string())
        }
        "/far/away/token" => Response::new(200, "application/json", r#"{"access_token":"far"}"#),
        "/far/away/users/me" => Response::new(200, "text/plain", "here"),
        _ => app(request),
    });
    page.log_in();
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(users_me.under("Response body"), "here");
    let request = users_me.under("Request");
    assert!(request.ends_with("\nAuthorization: Bearer far"), "{request}");
}

/// The document names no server, and the program knows nothing of a proxy that takes a prefix away.
#[test]
fn after_a_prefix_the_page_asks_where_it_came_from() {
    let address = serve(|request| match request.path.strip_prefix("/prefix") {
        Some(path) => app(&Request { path, ..request.clone() }),
        None => Response::new(404, "text/plain", "not the path of this server"),
    });
    let page = Page::open("en", &format!("http://{address}/prefix"), "/docs");
    page.log_in();
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(users_me.under("Response body"), JOHNDOE);
    page.was_quiet_but_for(&[]);
}

/// Serves this application.
fn serve(application: Application) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    let log = Log::start(io::sink()).expect("a thread for the log");
    let config = Config { application, limits: Limits::DEFAULT, log, access_log: false };
    thread::spawn(move || server::run(config, vec![listener]).map(|_| ()));
    address
}

/// The page on a server with this application.
fn open_on(application: Application) -> Page {
    Page::open("en", &format!("http://{}", serve(application)), "/docs")
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
fn hostile_response(request: &Request<'_>) -> Response {
    match request.path {
        "/docs" => app(request),
        "/openapi.json" => Response::new(200, "application/json", hostile_document()),
        "/token" => Response::new(400, "application/json", json!({ "detail": HOSTILE }).to_string()),
        _ => {
            let mut response = Response::new(200, "text/html; charset=utf-8", HOSTILE);
            response.headers.push(("x-hostile", HOSTILE.into()));
            let step = format!("3.2 {HOSTILE} {HOSTILE}").replace('"', "\\\"");
            response.headers.push(("server-timing", format!("step1;desc=\"{step}\"").into()));
            response
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let page = open_on(hostile_response);
    page.browser.run("for (const details of document.querySelectorAll('details')) details.open = true", &[]);
    let operation = page.region("#operations article");
    operation.click("Try it out");
    operation.execute("200", "OK");
    assert_eq!(operation.under("Response body"), HOSTILE);
    assert!(operation.under("Response headers").contains(&format!("x-hostile: {HOSTILE}")));
    assert!(operation.steps()[0].contains("<img src=\"x\" onerror="), "{:?}", operation.steps());
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
fn the_policy_stops_what_the_page_never_does() {
    let (server, page) = visit("en", &[]);
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
