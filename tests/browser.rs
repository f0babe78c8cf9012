//! The page at `/docs` in a real browser, used as a reader of the chapter uses it: by the words on
//! its buttons, with a mouse, with the keyboard, on a phone, in the dark, in Korean.
//!
//! Run with `cargo test --test browser`; it needs `chromium`, `chromedriver` and `curl`, and so a
//! plain `cargo test` leaves it out.

#[path = "support/page.rs"]
mod page;
mod support;

use std::process::Command;
use std::time::Duration;

use page::{ANOTHER_MACHINE, ENTER, ESCAPE, Page, SPACE, text, visit};
use serde_json::{Value, json};
use simple_oauth2::app::app;
use simple_oauth2::server::{Application, Limits, Request, Response};
use support::{TestServer, serve};

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
    let page = Page::open("en", server.address());
    let title = page.main().text();
    assert!(title.starts_with("FastAPI") && title.contains("0.1.0"), "{title}");
    section_6_1_authenticate(&page);
    section_6_2_get_your_own_user_data(&page);
    section_6_3_inactive_user(&page);
    for expected in [
        "\"GET /docs HTTP/1.1\" 200 OK",
        "\"GET /openapi.json HTTP/1.1\" 200 OK",
        "\"POST /token HTTP/1.1\" 200 OK",
        "\"GET /users/me HTTP/1.1\" 200 OK",
        "\"GET /users/me HTTP/1.1\" 401 Unauthorized",
        "\"POST /token HTTP/1.1\" 200 OK",
        "\"GET /users/me HTTP/1.1\" 400 Bad Request",
    ] {
        let line = server.lines.next();
        assert!(line.ends_with(expected), "{line} instead of {expected}");
    }
    assert_eq!(server.lines.next_within(Duration::from_millis(300)), None, "nothing was asked for unasked");
    page.was_quiet_but_for(&["401", "400"]);
}

fn section_6_1_authenticate(page: &Page) {
    page.main().click("Authorize");
    let dialog = page.dialog();
    let scheme = "OAuth2PasswordBearer (OAuth2, password)";
    for words in ["Available authorizations", scheme, "Token URL: token", "Flow: password"] {
        dialog.shows(words);
    }
    for name in ["username", "password", "client_id", "client_secret"] {
        assert_eq!(dialog.field(name).get("displayed"), true, "{name}");
    }
    dialog.fill_in("johndoe", "secret");
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
    assert_eq!(users_me.under("Request URL"), page.url("users/me"));
    let curl = users_me.under("Curl");
    assert!(curl.ends_with("-H 'Authorization: Bearer johndoe'"), "{curl}");
    assert!(users_me.under("Response headers").contains("content-type: application/json"));

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
    page.dialog().fill("password", "secret");
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
        assert_eq!(token.field(name).get("enabled"), false, "{name} before Try it out");
    }
    assert!(token.buttons("Authorization of POST /token").is_empty(), "no lock where none is needed");

    token.click("Try it out");
    token.execute("422", "Unprocessable Entity");
    assert!(token.under("Response body").contains("\"msg\": \"Field required\""));

    token.fill_in("johndoe", "secret");
    token.execute("200", "OK");
    assert!(token.under("Response body").contains("\"access_token\": \"johndoe\""));
    // The response is shown, and no more: this is not a login.
    page.try_out(USERS_ME).execute("401", "Unauthorized");
    page.was_quiet_but_for(&["422", "401"]);
}

#[test]
fn the_password_is_masked_until_it_is_asked_for() {
    let (_server, page) = visit("en", &[]);
    let token = page.try_out(TOKEN);
    token.fill_in("johndoe", "secret");
    token.fill("client_secret", "hidden");
    token.execute("200", "OK");
    let masked = "username=johndoe&password=******&client_secret=******";
    for expected in [masked, "username=johndoe&password=secret&client_secret=hidden", masked] {
        for heading in ["Curl", "Request"] {
            let shown = token.under(heading);
            assert!(shown.contains(expected), "{expected} is not in:\n{shown}");
        }
        token.click("Show the password");
    }

    page.authorize("johndoe", "secret");
    page.dialog().shows("Authorized");
    for expected in ["username=johndoe&password=******", "username=johndoe&password=secret"] {
        let shown = page.dialog().under("Request");
        assert!(shown.ends_with(&format!("grant_type=password&{expected}")), "{shown}");
        page.dialog().click("Show the password");
    }
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
    token.fill_in("한글 & <co>", "it's 100%");
    token.execute("400", "Bad Request");
    token.click("Show the password");
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");

    let events = page.network(&["Network.requestWillBeSentExtraInfo", "Network.responseReceivedExtraInfo"]);
    for (operation, heading, first_line) in [
        (&token, "Request", "POST /token HTTP/1.1"),
        (&token, "Response", "HTTP/1.1 400 Bad Request"),
        (&users_me, "Request", "GET /users/me HTTP/1.1"),
        (&users_me, "Response", "HTTP/1.1 200 OK"),
    ] {
        let shown = operation.under(heading);
        assert_eq!(shown.trim_end(), shown, "the box ends where the message does");
        let (head, body) = shown.split_once("\n\n").unwrap_or((&shown, ""));
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some(first_line));
        for line in lines {
            let (name, value) = line.split_once(": ").expect("a header field");
            assert!(events.iter().any(|event| event["headers"][name] == value), "not on the wire: {line}");
        }
        let length = format!("content-length: {}", body.len());
        assert!(body.is_empty() || head.to_lowercase().contains(&length), "{length} of:\n{shown}");
    }
}

/// Runs a command in a shell, and gives what it prints.
fn run(command: &str) -> String {
    let command = format!("{command} --silent --show-error --max-time 10");
    let output = Command::new("sh").args(["-c", &command]).output().expect("a shell");
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A command is pasted into a shell, so neither what a reader types nor what a server gives as a
/// token must become a command. This server gives back what it got.
#[test]
fn the_copied_command_repeats_the_request_and_does_nothing_else() {
    const TOKEN_OF_AN_ATTACKER: &str = r"'; echo owned; ' $(echo `id`) \";
    let page = open_on(|request| {
        let header = |name| String::from_utf8_lossy(request.header(name).unwrap_or_default()).into_owned();
        match request.path {
            "/docs" | "/openapi.json" => app(request),
            "/token" => {
                let sent = [header("content-type"), String::from_utf8_lossy(request.body).into_owned()];
                let body = json!({ "access_token": TOKEN_OF_AN_ATTACKER, "sent": sent });
                Response::new(200, "application/json", body.to_string())
            }
            _ => Response::new(200, "text/plain", header("authorization")),
        }
    });
    page.log_in();
    let token = page.try_out(TOKEN);
    token.fill_in("johndoe", "it's $HOME \\ `100%`");
    token.execute("200", "OK");
    assert!(token.under("Curl").ends_with("-d 'username=johndoe&password=******'"), "masked for the eye");
    let [printed, shown] = [run(&token.copy()), token.under("Response body")];
    assert_eq!(printed.parse::<Value>().expect("JSON"), shown.parse::<Value>().expect("JSON"));
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(users_me.copy(), users_me.under("Curl"));
    assert_eq!(run(&users_me.copy()), format!("Bearer {TOKEN_OF_AN_ATTACKER}"));
    page.was_quiet_but_for(&[]);
}

/// A browser gives no clipboard to a page that came over plain http from another machine.
#[test]
fn without_a_clipboard_the_working_command_is_selected() {
    let server = TestServer::start();
    let page = Page::open("en", format!("{ANOTHER_MACHINE}:{}", server.address().port()));
    assert_eq!(page.evaluate("navigator.clipboard ?? null"), Value::Null);
    let token = page.try_out(TOKEN);
    token.fill_in("johndoe", "secret");
    token.execute("200", "OK");
    token.click("Copy");
    token.shows("Selected. Press Ctrl+C");
    let selected = text(&page.evaluate("getSelection().toString()")).replace(ANOTHER_MACHINE, "127.0.0.1");
    assert_eq!(run(&selected), r#"{"access_token":"johndoe","token_type":"bearer"}"#);
    assert_eq!(token.field("Show").get("selected"), true, "the switch says what is shown");
    page.was_quiet_but_for(&[]);
}

#[test]
fn the_keyboard_alone_is_enough() {
    let (_server, page) = visit("en", &[]);
    let (lock, show) = ("Authorization of GET /users/me", "Show the password");
    page.press_at("Authorize", ENTER, "username");
    page.press_at("username", ESCAPE, "Authorize");
    page.press_at("Authorize", ENTER, "username");
    page.press_at("username", "johndoe", "username");
    page.press_at("password", "secret", "password");
    page.press_at("password", ENTER, "Close");
    page.press_at("Close", ENTER, "Authorize");

    // The focus comes back to the lock that opened the dialog.
    page.press_at(lock, ENTER, "Logout");
    // Enter on the switch belongs to no form: it must not log in once more, with empty fields.
    page.press_at(show, ENTER, show);
    page.press_at(show, SPACE, show);
    page.dialog().shows("password=secret");
    page.dialog().shows("Authorized");
    page.press_at(show, ESCAPE, lock);

    page.press_at(USERS_ME, ENTER, USERS_ME);
    page.press_at("Try it out", SPACE, "Cancel");
    page.press_at("Execute", ENTER, "Execute");
    page.main().shows("200 OK");
    page.focus_is_on("Execute");
    page.press_at("Clear", ENTER, "Execute");
    page.press_at("Execute", ENTER, "Execute");
    page.press_at("Copy", ENTER, "Copy");
    page.main().shows("Copied.");
    page.focus_is_on("Copy");

    page.press_at(lock, ENTER, "Logout");
    page.press_at("Logout", ENTER, "username");
    page.was_quiet_but_for(&[]);
}

#[test]
fn a_screen_reader_finds_names_roles_and_states() {
    let (_server, page) = visit("en", &["--explain"]);
    assert_eq!(page.evaluate("document.documentElement.lang"), "en");
    assert_eq!(page.main().get("computedrole"), "main");
    let descriptions = "[...document.querySelectorAll('.lock')].map((lock) => lock.ariaDescription)";
    assert_eq!(page.evaluate(descriptions), json!(["unlocked", "unlocked"]));
    page.authorize("johndoe", "secret");
    page.dialog().shows("Authorized");
    assert_eq!(page.dialog().get("computedrole"), "dialog");
    assert_eq!(page.dialog().name(), "Available authorizations");
    assert_eq!(page.region("dialog output").get("computedrole"), "status");
    assert_eq!(page.evaluate(descriptions), json!(["locked", "locked"]));
    page.dialog().click("Close");
    page.try_out(TOKEN).execute("422", "Unprocessable Entity");
    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    assert_eq!(users_me.elements("ol")[0].get("computedrole"), "list");
    assert_eq!(users_me.elements("ol > *")[0].get("computedrole"), "listitem");
    for control in page.elements("main button, main input, main summary, main a") {
        let named = control.get("displayed") == false || !control.name().is_empty();
        assert!(named, "a {} without a name", control.get("computedrole"));
    }
    // Nobody who goes from heading to heading misses a level.
    let levels =
        "[...document.querySelectorAll('main :is(h1,h2,h3,h4)')].map((title) => +title.localName[1])";
    let skipped = format!("{levels}.filter((level, index, levels) => level > (levels[index - 1] ?? 0) + 1)");
    assert_eq!(page.evaluate(&skipped), json!([]), "{}", page.evaluate(levels));
    page.was_quiet_but_for(&["422"]);
}

#[test]
fn it_fits_a_phone_and_twice_the_size() {
    let (_server, page) = visit("ko", &["--explain"]);
    page.log_in();
    let token = page.try_out(TOKEN);
    token.fill_in("johndoe", "secret");
    token.execute("200", "OK");
    token.click("Copy");
    token.shows("복사했다.");
    page.try_out(USERS_ME).execute("200", "OK");
    for language in ["한국어", "English"] {
        page.main().click(language);
        page.main().click("Authorize"); // and the dialog is measured with what is under it
        // A phone; a window of 1280 × 1024 at 200 %; a phone whose owner wants letters twice as big.
        for (width, height, letters) in [(360, 740, "200%"), (640, 512, "100%"), (360, 740, "100%")] {
            let size = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": false });
            page.devtools("Emulation.setDeviceMetricsOverride", &size);
            page.run("document.documentElement.style.fontSize = arguments[0]", &[letters.into()]);
            assert_eq!(page.evaluate("innerWidth"), width);
            assert_eq!(page.run(TOO_WIDE, &[]), json!([]), "at {width} px with letters of {letters}");
        }
        assert_eq!(page.run(BROKEN, &[]), json!([]), "in {language}");
        page.dialog().click("Close");
    }
}

/// What sticks out on the right, of the page and of its dialog. In a box it scrolls.
const TOO_WIDE: &str = "const wide = [...document.querySelectorAll('main *, dialog *, dialog')]
        .filter((place) => place.getBoundingClientRect().right > innerWidth + 0.5);
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) wide.push(root);
    return wide.map((place) => place.outerHTML.slice(0, 80))";

/// The words of which a part is on the next line, and the boxes with more lines than their text.
const BROKEN: &str = r"const places = [...document.querySelectorAll('body *')].filter((place) => place.checkVisibility());
    const texts = places.flatMap((place) => [...place.childNodes]).filter((node) => node.nodeType === 3);
    const broken = [];
    const range = document.createRange();
    for (const text of texts) for (const word of text.data.matchAll(/[\p{L}\p{N}_]+/gu)) {
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        if (range.getClientRects().length > 1) broken.push(word[0]);
    }
    for (const box of places.filter((place) => place.localName === 'pre')) {
        const { paddingTop, lineHeight } = getComputedStyle(box);
        const lines = Math.round((box.clientHeight - 2 * parseFloat(paddingTop)) / parseFloat(lineHeight));
        if (lines !== box.textContent.split('\n').length) broken.push(box.textContent);
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
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        page.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
        papers.push(page.evaluate("getComputedStyle(document.body).backgroundColor"));
        let (blue, green) = ("rgb(97, 175, 254)", "rgb(73, 204, 144)");
        assert_eq!(page.evaluate(badges), json!([blue, green]), "as in the chapter's pictures");
        let texts = page.run(CONTRASTS, &[]);
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
    let kept = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]");
    assert_eq!(kept, json!(["", 0, 0]));
    page.command("POST", "/refresh", &json!({}));
    page.region("#operations article");
    page.try_out(USERS_ME).execute("401", "Unauthorized");
    page.main().click("Authorize");
    assert!(page.dialog().buttons("Logout").is_empty());
    let fields = "[...document.querySelectorAll('dialog input')].map((input) => input.value).join('')";
    assert_eq!(page.evaluate(fields), "");
    page.was_quiet_but_for(&["401"]);
}

#[test]
fn the_explanations_follow_the_language_and_the_buttons_do_not() {
    let server = TestServer::start();
    for (languages, first) in [("ko-KR,ko,en", 1), ("en-GB,ko", 0), ("de,ko,en", 1), ("fr", 0)] {
        let page = Page::open(languages, server.address());
        let token = page.try_out(TOKEN);
        token.fill("password", "secret");
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

/// For those who look and for those who listen; 0 is English, and 1 is Korean.
fn it_speaks(page: &Page, language: usize) {
    let main = page.main();
    let titles = [["On the wire", "What the server did"], ["실제로 오간 내용", "서버가 한 일"]];
    for words in titles[language].into_iter().chain(["cargo run -- --explain", "alice / secret2"]) {
        main.shows(words);
    }
    let tag = ["en", "ko"][language];
    let spoken = "[...new Set([...document.querySelectorAll('[data-says]')].map((place) =>
        `${place.lang}: ${/[가-힣]/.test(place.textContent) ? 'ko' : 'en'}`))]";
    assert_eq!(page.evaluate(spoken), json!([format!("{tag}: {tag}")]), "every explanation, and its lang");
    let pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map((button) => button.lang)";
    assert_eq!(page.evaluate(pressed), json!([tag]));
    let filled = ["English", "한국어"].map(|name| main.colour_of(name) == main.colour_of("Execute"));
    assert_eq!(filled, [language == 0, language == 1], "which language looks chosen");
}

/// What `--explain` prints in the terminal, in the page: after a login, and after an operation.
#[test]
fn the_steps_of_the_server_are_shown() {
    let (_server, page) = visit("en", &["--explain"]);
    page.authorize("johndoe", "secret");
    page.dialog().shows("Authorized");
    let login = page.dialog().steps();
    let sections: Vec<&str> = login.iter().filter_map(|step| Some(step.split_once(": ")?.0)).collect();
    assert_eq!(sections, ["section 2", "section 3.1", "section 3.2", "section 3.3", "section 4"]);
    let has_place = |step: &String| step.contains("\nsrc/") && step.contains(".rs:");
    assert!(login.iter().all(has_place), "{login:?}");
    assert!(login[2].starts_with("section 3.2: found johndoe in FAKE_USERS_DB\nsrc/app.rs:"), "{login:?}");
    page.dialog().click("Close");

    let users_me = page.try_out(USERS_ME);
    users_me.execute("200", "OK");
    let steps = users_me.steps();
    assert!(steps.iter().any(|step| step.starts_with("section 5: the user is johndoe")), "{steps:?}");
    page.was_quiet_but_for(&[]);
}

/// RFC 9110 §5.6.4, and what `--explain` makes of texts that a header field cannot carry.
#[test]
fn the_steps_are_read_as_the_header_carries_them() {
    const HEADER: &str = r#"cache;desc="step1;desc=\"x\"", step1;desc="3.2 src/app.rs:7 \"a, b;\" is \\u{d55c}\\u{202e}...", step2;desc="4 src\\app.rs:8 <b>done</b>";dur=1, cut;desc="3 more steps, see the terminal", total;dur=2"#;
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
    assert_eq!(
        users_me.steps(),
        ["section 3.2: \"a, b;\" is 한\\u{202e}...\nsrc/app.rs:7", "section 4: <b>done</b>\nsrc\\app.rs:8"]
    );
    users_me.shows("3 more steps: see the terminal.");
    page.main().click("한국어");
    assert_eq!(
        users_me.steps(),
        ["3.2절: \"a, b;\" is 한\\u{202e}...\nsrc/app.rs:7", "4절: <b>done</b>\nsrc\\app.rs:8"]
    );
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
    let address = serve(Limits::DEFAULT, |request| match request.path {
        "/docs" => app(request),
        _ => Response::new(404, "application/json", r#"{"detail":"Not Found"}"#),
    });
    let page = Page::start("en");
    page.load(&format!("http://{address}/docs"));
    page.main().shows("Failed to load API definition.\nError: 404 Not Found");
    page.main().click("한국어");
    page.region("[role=alert]").shows("API 정의를 불러오지 못했다.\nError: 404 Not Found");
}

#[test]
fn without_javascript_the_page_says_what_it_needs() {
    let server = TestServer::start();
    let page = Page::start("en");
    page.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    page.load(&format!("http://{}/docs", server.address()));
    let text = page.main().text();
    assert!(text.contains("This page needs JavaScript"), "{text}");
    assert!(text.contains("이 페이지를 쓰려면 JavaScript를 켜야 한다."), "{text}");
}

/// OpenAPI, "Relative References in API URLs": a relative `tokenUrl` begins at the server's URL, and
/// a path is appended to it. Where the document names no server, as after a proxy that takes a
/// prefix away, both begin where the document came from.
#[test]
fn urls_begin_where_the_document_says_or_came_from() {
    let address = serve(Limits::DEFAULT, |request| match request.path {
        "/docs" => app(request),
        "/openapi.json" => {
            let mut document: Value = app(request).body.parse().expect("the document is JSON");
            document["servers"] = json!([{ "url": "prefix/" }]);
            Response::new(200, "application/json", document.to_string())
        }
        path => match path.strip_prefix("/prefix") {
            Some(path) => app(&Request { path, ..request.clone() }),
            None => Response::new(404, "text/plain", "not a path of this API"),
        },
    });
    for place in [address.to_string(), format!("{address}/prefix")] {
        let page = Page::open("en", place);
        page.log_in();
        let users_me = page.try_out(USERS_ME);
        users_me.execute("200", "OK");
        assert_eq!(users_me.under("Response body"), JOHNDOE);
        page.was_quiet_but_for(&[]);
    }
}

/// The page on a server with this application.
fn open_on(application: Application) -> Page {
    Page::open("en", serve(Limits::DEFAULT, application))
}

/// What an attacker would like the page to run.
const HOSTILE: &str =
    r#"<img src="x" onerror="document.title='owned'"><script>document.title='owned'</script>"#;

/// A document in which every text is [`HOSTILE`], with field names that shadow those of a form.
fn hostile_document() -> Value {
    let schema = json!({ "type": HOSTILE, "pattern": HOSTILE, "format": HOSTILE, "default": HOSTILE });
    let fields = json!({ HOSTILE: schema, "reset": schema, "elements": schema, "__proto__": schema });
    let body = json!({ "schema": { "properties": fields, "required": [HOSTILE] } });
    let operation = json!({
        "summary": HOSTILE,
        "parameters": [{ "name": HOSTILE, "in": HOSTILE }],
        "requestBody": { "content": { "application/x-www-form-urlencoded": body } },
        "responses": { HOSTILE: { "description": HOSTILE } },
        "security": [{ HOSTILE: [] }],
    });
    let flows = json!({ "password": { "tokenUrl": format!("token?{HOSTILE}"), "scopes": {} } });
    json!({
        "openapi": HOSTILE,
        "info": { "title": HOSTILE, "version": HOSTILE },
        "paths": { format!("/{HOSTILE}"): { "post": operation } },
        "components": { "securitySchemes": { HOSTILE: { "type": "oauth2", "flows": flows } } },
    })
}

/// The page is served as it is, and around it nothing but malice.
#[test]
fn hostile_text_stays_text() {
    let page = open_on(|request| match request.path {
        "/docs" => app(request),
        "/openapi.json" => Response::new(200, "application/json", hostile_document().to_string()),
        "/token" => Response::new(400, "application/json", json!({ "detail": HOSTILE }).to_string()),
        _ => {
            let mut response = Response::new(200, "text/html; charset=utf-8", HOSTILE);
            response.headers.push(("x-hostile", HOSTILE.into()));
            response
        }
    });
    page.run("for (const details of document.querySelectorAll('details')) details.open = true", &[]);
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
fn the_policy_stops_what_the_page_never_does() {
    let (server, page) = visit("en", &[]);
    let markup = "document.body.innerHTML = '<b>markup</b>'";
    let inline = "document.createElement('button').setAttribute('onclick', 'document.title = `owned`')";
    for attempt in [markup, inline] {
        let script = format!("try {{ {attempt} }} catch (error) {{ return error.name }}");
        assert_eq!(page.run(&script, &[]), "TypeError", "text became markup or a script: {attempt}");
    }
    let fetch = "return new Promise((stopped) => {
            document.addEventListener('securitypolicyviolation', (event) => stopped(event.effectiveDirective));
            fetch(arguments[0], { mode: 'no-cors' }).catch(() => {});
        })";
    let elsewhere = format!("http://localhost:{}/users/me", server.address().port());
    assert_eq!(page.run(fetch, &[elsewhere.into()]), "connect-src", "a token never goes elsewhere");
}
