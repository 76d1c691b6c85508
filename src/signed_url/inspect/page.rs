//! The path of a signed URL: what is wrong with it, whatever the signature.

use crate::signed_url::inspect::Diagnosis;
use crate::signed_url::inspect::url::Url;
use crate::signed_url::verify::Rejection;

/// Where the embed path begins.
const LOGIN: &str = "/login/embed/";

/// What is wrong with a path: a name, a test of the raw path and of the decoded embed path, and the words.
struct Problem {
    name: &'static str,
    shows: fn(&str, &Result<String, Rejection>) -> bool,
    is: &'static str,
    fix: &'static str,
}

const ONCE: &str =
    "percent-encode the embed path once, with upper-case hex: `/embed` is `%2Fembed`";
const PAGE: &str =
    "sign the part behind the host of the page to open, as in `/embed/dashboards/12`";

/// Every problem; of several the first is told.
const PROBLEMS: [Problem; 10] = [
    Problem {
        name: "path_encoded_twice",
        shows: |_, page| {
            starts(page, |page| {
                page.get(..3)
                    .is_some_and(|start| start.eq_ignore_ascii_case("%2F"))
            })
        },
        is: "is percent-encoded twice, so Looker looks for a page that begins with `%2F`",
        fix: ONCE,
    },
    Problem {
        name: "path_wrong",
        shows: |_, page| starts(page, |page| page.starts_with("/login/")),
        is: "is itself a login URL",
        fix: PAGE,
    },
    Problem {
        name: "path_wrong",
        shows: |_, page| starts(page, |page| page.starts_with("http")),
        is: "is a whole URL",
        fix: PAGE,
    },
    Problem {
        name: "path_wrong",
        shows: |_, page| starts(page, |page| !page.starts_with('/')),
        is: "does not begin with `/`",
        fix: PAGE,
    },
    Problem {
        name: "path_wrong",
        shows: |_, page| starts(page, |page| page.trim() != page),
        is: "has a space or a line break at an end",
        fix: PAGE,
    },
    Problem {
        name: "login_twice",
        shows: |raw, _| {
            raw.starts_with("/login/login/") || raw.starts_with("/login/embed/login/embed/")
        },
        is: "is wrong: `/login` stands twice in it",
        fix: "the host or the path in the code that signs already has `/login`: leave it away",
    },
    Problem {
        name: "path_lower_case_hex",
        shows: |_, page| *page == Err(Rejection::LowercasePath),
        is: "has lower-case hex, as in `%2f`, which Looker answers with 404",
        fix: "write upper-case hex; in C#, use `Uri.EscapeDataString` instead of `HttpUtility.UrlEncode`",
    },
    Problem {
        name: "login_missing",
        shows: |raw, page| page.is_err() && !raw.starts_with(LOGIN),
        is: "does not begin with `/login/embed/`, where Looker takes signed logins",
        fix: "put `/login/embed/` in front of the percent-encoded embed path, in the URL and in the string to sign",
    },
    Problem {
        name: "path_not_encoded",
        shows: |_, page| page.is_err(),
        is: "is not `/login/embed/` with one percent-encoded embed path behind it",
        fix: ONCE,
    },
    Problem {
        name: "embed_sso",
        shows: |_, page| starts(page, |page| page.starts_with("/embed/sso/")),
        is: "begins with `/embed/sso/`, an old prefix that only redirects to `/embed/`",
        fix: "sign the page without `/sso`, as in `/embed/dashboards/12`",
    },
];

fn starts(page: &Result<String, Rejection>, test: fn(&str) -> bool) -> bool {
    page.as_ref().is_ok_and(|page| test(page))
}

/// What is wrong with the path so that it cannot work.
pub(super) fn problem(url: &Url<'_>) -> Option<Diagnosis> {
    found(url).filter(|problem| problem.name != "embed_sso")
}

/// What works and is better written otherwise.
pub(super) fn advice(url: &Url<'_>) -> Option<Diagnosis> {
    let old = found(url).filter(|problem| problem.name == "embed_sso");
    let page = url.embed_path.as_deref().unwrap_or("/embed/");
    let other = page.starts_with('/')
        && !page.starts_with("/embed/")
        && page != "/alive"
        && page != "/browse";
    old.or_else(|| {
        other.then(|| Diagnosis {
            name: "page_not_embedded",
            message: format!("the embed path `{page}` does not begin with `/embed/`, so it is not a page for embed users"),
            fix: PAGE.to_owned(),
        })
        .filter(|_| problem(url).is_none())
    })
}

fn found(url: &Url<'_>) -> Option<Diagnosis> {
    let raw = url.parts.path;
    let problem = PROBLEMS
        .iter()
        .find(|problem| (problem.shows)(raw, &url.embed_path))?;
    let what = match &url.embed_path {
        Ok(page) => format!("the embed path `{page}`"),
        Err(_) => "the path".to_owned(),
    };
    Some(Diagnosis {
        name: problem.name,
        message: format!("{what} {}", problem.is),
        fix: problem.fix.to_owned(),
    })
}
