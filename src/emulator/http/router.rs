//! From a method and a raw path to an operation or a page.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use crate::emulator::api;
use crate::emulator::contract;
use crate::emulator::http::operation::{API, Operation, Service, Verb};
use crate::emulator::text::decode_path;
use crate::emulator::web::{PAGES, Page};

static ROUTES: LazyLock<BTreeMap<Verb, matchit::Router<Route>>> = LazyLock::new(routes);

/// An operation, and how it is served, if it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) operation: &'static Operation,
    pub(crate) service: Option<&'static Service>,
}

/// What a request is for.
#[derive(Debug)]
pub(crate) enum Target {
    /// An operation of the API, with its decoded path parameters.
    Operation(Route, Vec<(&'static str, String)>),
    /// A page of the web part.
    Page(&'static Page),
    /// A path that only an emulator has.
    Control,
    /// A path that Looker has for other methods, which are named.
    OtherMethod(String),
    /// A path that Looker does not have.
    Unknown,
}

impl Target {
    /// The operation id that records and faults go by.
    pub(crate) const fn id(&self) -> &'static str {
        match self {
            Self::Operation(route, _) => route.operation.id,
            Self::Page(page) => page.id,
            Self::Control => "emulator",
            Self::OtherMethod(_) | Self::Unknown => "unknown",
        }
    }
}

fn routes() -> BTreeMap<Verb, matchit::Router<Route>> {
    let services = api::OPERATIONS.iter().copied().flatten();
    let services: HashMap<&str, &Service> = services.map(|service| (service.id, service)).collect();
    let mut routes: BTreeMap<_, matchit::Router<Route>> = BTreeMap::new();
    for operation in contract::operations() {
        let route = Route {
            operation,
            service: services.get(operation.id).copied(),
        };
        let added = routes
            .entry(operation.verb)
            .or_default()
            .insert(operation.path, route);
        added.expect("no two operations of the contract have one path");
    }
    routes
}

/// What a request with this method and raw path is for.
pub(crate) fn find(method: &str, path: &str) -> Target {
    if path == "/" || path.starts_with("/__emulator") {
        return Target::Control;
    }
    if let Some(target) = Verb::of(method).and_then(|verb| at(verb, path)) {
        return target;
    }
    let others = Verb::ALL
        .into_iter()
        .filter(|verb| at(*verb, path).is_some());
    let others: Vec<String> = others
        .map(|verb| verb.word().to_ascii_uppercase())
        .collect();
    match others.is_empty() {
        true => Target::Unknown,
        false => Target::OtherMethod(others.join(", ")),
    }
}

/// `path` without the empty segments that a base URL with a slash at its end leaves in it; `None` if it has none.
pub(crate) fn without_empty_segments(path: &str) -> Option<String> {
    let rest = path
        .strip_prefix("/api/")
        .filter(|rest| rest.contains("//") || rest.starts_with('/'))?;
    let segments = rest.split('/').filter(|segment| !segment.is_empty());
    let tidy: Vec<&str> = segments.collect();
    Some(format!("/api/{}", tidy.join("/")))
}

fn at(verb: Verb, path: &str) -> Option<Target> {
    match path {
        // The official Python SDK logs in and out at the unversioned paths.
        "/api/login" => operation(verb, "/login"),
        "/api/logout" => operation(verb, "/logout"),
        "/versions" => operation(verb, path),
        _ => match path.strip_prefix(API) {
            Some(path) => operation(verb, path),
            None => page(verb, path),
        },
    }
}

fn operation(verb: Verb, path: &str) -> Option<Target> {
    let found = ROUTES.get(&verb)?.at(path).ok()?;
    let params = found.params.iter().map(|(name, given)| {
        // An empty parameter is another path, not an empty id.
        let value = decode_path(given).filter(|value| !value.is_empty());
        Some((name, value?))
    });
    Some(Target::Operation(
        *found.value,
        params.collect::<Option<_>>()?,
    ))
}

/// Whether the operation `id` is served here.
pub(crate) fn is_served(id: &str) -> bool {
    let mut services = api::OPERATIONS.iter().copied().flatten();
    services.any(|service| service.id == id)
}

/// Whether an operation or a page is called `id`.
pub(crate) fn is_operation(id: &str) -> bool {
    let mut operations = contract::operations().iter();
    operations.any(|operation| operation.id == id) || PAGES.iter().any(|page| page.id == id)
}

fn page(verb: Verb, path: &str) -> Option<Target> {
    let known = |page: &&Page| {
        // A page ending in `/` has any path below it.
        page.path == path || (page.path.ends_with('/') && path.starts_with(page.path))
    };
    let page = PAGES.iter().find(known)?;
    (verb == Verb::Get).then_some(Target::Page(page))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::emulator::{api, contract};

    use super::{Target, find as target_of, without_empty_segments};

    fn find(method: &str, path: &str) -> (&'static str, Vec<String>) {
        let target = target_of(method, path);
        let params = match &target {
            Target::Operation(_, params) => params.iter().map(|(_, value)| value.clone()).collect(),
            _ => Vec::new(),
        };
        (target.id(), params)
    }

    #[test]
    fn a_fixed_segment_comes_before_a_parameter() {
        assert_eq!(find("GET", "/api/4.0/users/search").0, "search_users");
        assert_eq!(find("GET", "/api/4.0/users/7").0, "user");
    }

    #[test]
    fn an_encoded_slash_stays_inside_its_segment() {
        let (id, params) = find("GET", "/api/4.0/users/credential/embed/a%2Fb%20%2B%3F");

        assert_eq!(id, "user_for_credential");
        assert_eq!(params, ["embed", "a/b +?"]);
    }

    #[test]
    fn login_and_logout_work_without_a_version_too() {
        assert_eq!(find("DELETE", "/api/logout").0, "logout");
        assert_eq!(find("DELETE", "/api/4.0/logout").0, "logout");
        assert_eq!(find("POST", "/api/login").0, "login");
    }

    #[test]
    fn head_is_get_and_other_methods_are_named() {
        assert_eq!(find("HEAD", "/api/4.0/user").0, "me");
        let Target::OtherMethod(methods) = target_of("PUT", "/api/4.0/users/7") else {
            panic!("users are not put");
        };
        assert_eq!(methods, "GET, PATCH, DELETE");
    }

    #[test]
    fn empty_segments_are_dropped_within_the_api() {
        let tidy = |path| without_empty_segments(path);
        assert_eq!(
            tidy("/api/4.0//users//7").as_deref(),
            Some("/api/4.0/users/7")
        );
        assert_eq!(tidy("/api//4.0/user").as_deref(), Some("/api/4.0/user"));
        for path in ["/api/4.0/users/7", "//api/4.0/user", "/embed//x"] {
            assert_eq!(tidy(path), None, "{path}");
        }
    }

    #[test]
    fn what_looker_does_not_have_is_unknown() {
        assert_eq!(find("GET", "/api/3.1/user").0, "unknown");
        assert_eq!(find("PUT", "/api/4.0/user").0, "unknown");
        assert_eq!(find("GET", "/api/4.0/users/").0, "unknown");
        assert_eq!(find("POST", "/login").0, "unknown");
    }

    #[test]
    fn what_is_served_is_described() {
        let described = contract::operations().iter();
        let described: BTreeSet<&str> = described.map(|operation| operation.id).collect();
        let served = api::OPERATIONS.iter().copied().flatten();
        let served: BTreeSet<&str> = served.map(|service| service.id).collect();

        assert_eq!(served.difference(&described).collect::<Vec<_>>(), [&""; 0]);
    }
}
