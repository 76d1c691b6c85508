//! From a method and a raw path to an operation or a page.

use std::collections::HashMap;

use crate::emulator::api;
use crate::emulator::http::operation::{Operation, Verb};
use crate::emulator::text::decode_path;
use crate::emulator::web::{PAGES, Page};

/// Where the API begins.
const API: &str = "/api/4.0/";

/// What a request is for.
#[derive(Debug)]
pub(crate) enum Target {
    /// An operation of the API, with its decoded path parameters.
    Operation(&'static Operation, Vec<(&'static str, String)>),
    /// A page of the web part.
    Page(&'static Page),
    /// What only an emulator has.
    Control,
    /// Nothing Looker has.
    Unknown,
}

impl Target {
    /// The operation id that records and faults go by.
    pub(crate) const fn id(&self) -> &'static str {
        match self {
            Self::Operation(operation, _) => operation.id,
            Self::Page(page) => page.id,
            Self::Control => "emulator",
            Self::Unknown => "unknown",
        }
    }
}

/// All operations, found by verb and number of path segments.
#[derive(Debug)]
pub(crate) struct Router(HashMap<(&'static str, usize), Vec<Route>>);

#[derive(Debug)]
struct Route {
    operation: &'static Operation,
    segments: Vec<Segment>,
}

#[derive(Debug, Eq, PartialEq)]
enum Segment {
    Text(&'static str),
    Parameter(&'static str),
}

impl Router {
    /// The router of every operation there is.
    pub(crate) fn new() -> Self {
        let mut routes: HashMap<_, Vec<Route>> = HashMap::new();
        for operation in api::OPERATIONS.iter().copied().flatten() {
            let segments: Vec<Segment> = split(operation.path).map(segment).collect();
            let route = Route {
                operation,
                segments,
            };
            routes
                .entry((operation.verb.word(), route.segments.len()))
                .or_default()
                .push(route);
        }
        for routes in routes.values_mut() {
            // `/users/search` must be found before `/users/{user_id}`.
            routes.sort_by_key(Route::parameters);
        }
        Self(routes)
    }

    /// What a request with this method and raw path is for.
    pub(crate) fn find(&self, method: &str, path: &str) -> Target {
        if path == "/" || path.starts_with("/__emulator") {
            return Target::Control;
        }
        let Some(verb) = Verb::of(method) else {
            return Target::Unknown;
        };
        match path {
            // The official Python SDK logs out at the unversioned path.
            "/api/logout" => self.operation(verb, "logout"),
            "/versions" => self.operation(verb, "versions"),
            _ => match path.strip_prefix(API) {
                Some(path) => self.operation(verb, path),
                None => page(verb, path),
            },
        }
        .unwrap_or(Target::Unknown)
    }

    fn operation(&self, verb: Verb, path: &str) -> Option<Target> {
        let segments: Vec<&str> = path.split('/').collect();
        let routes = self.0.get(&(verb.word(), segments.len()))?;
        routes.iter().find_map(|route| {
            let params = route.params(&segments)?;
            Some(Target::Operation(route.operation, params))
        })
    }
}

impl Route {
    fn parameters(&self) -> usize {
        let is_parameter = |segment: &&Segment| matches!(segment, Segment::Parameter(_));
        self.segments.iter().filter(is_parameter).count()
    }

    fn params(&self, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
        let pairs = || self.segments.iter().zip(segments);
        let differs = |(known, given): (&Segment, &&str)| matches!(known, Segment::Text(text) if *text != *given);
        if pairs().any(differs) {
            return None;
        }
        pairs()
            .filter_map(|(known, given)| match known {
                Segment::Parameter(name) => Some((*name, *given)),
                Segment::Text(_) => None,
            })
            .map(|(name, given)| {
                decode_path(given)
                    .filter(|value| !value.is_empty())
                    .map(|value| (name, value))
            })
            .collect()
    }
}

/// Whether an operation or a page is called `id`.
pub(crate) fn is_operation(id: &str) -> bool {
    let mut operations = api::OPERATIONS.iter().copied().flatten();
    operations.any(|operation| operation.id == id) || PAGES.iter().any(|page| page.id == id)
}

fn page(verb: Verb, path: &str) -> Option<Target> {
    let known = |page: &&Page| {
        page.path == path || (page.path.ends_with('/') && path.starts_with(page.path))
    };
    let page = PAGES.iter().find(known)?;
    (verb == Verb::Get).then_some(Target::Page(page))
}

fn split(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.trim_start_matches('/').split('/')
}

fn segment(text: &'static str) -> Segment {
    text.strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .map_or(Segment::Text(text), Segment::Parameter)
}

#[cfg(test)]
mod tests {
    use super::{Router, Target};

    fn find(method: &str, path: &str) -> (&'static str, Vec<String>) {
        let target = Router::new().find(method, path);
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
    fn logout_works_without_a_version_too() {
        assert_eq!(find("DELETE", "/api/logout").0, "logout");
        assert_eq!(find("DELETE", "/api/4.0/logout").0, "logout");
    }

    #[test]
    fn what_looker_does_not_have_is_unknown() {
        assert_eq!(find("GET", "/api/3.1/user").0, "unknown");
        assert_eq!(find("PUT", "/api/4.0/user").0, "unknown");
        assert_eq!(find("GET", "/api/4.0/users/").0, "unknown");
        assert_eq!(find("POST", "/login").0, "unknown");
    }
}
