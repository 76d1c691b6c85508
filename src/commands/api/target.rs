//! The call: a method and a path, a path, or an operation and the ids in its path.

use reqwest::Method;
use url::form_urlencoded;

use crate::config::nearest;
use crate::error::Error;
use crate::looker::Operation;

/// The call.
pub(super) struct Target {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) operation: Option<Operation>,
}

/// Parse what was typed; `has_body` decides the method for a path alone.
pub(super) fn read(words: &[String], has_body: bool) -> Result<Target, Error> {
    let target = match words {
        [path] if path.starts_with('/') => {
            let method = if has_body { Method::POST } else { Method::GET };
            at(method, path)
        }
        [method, path] if is_method(method) => {
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes());
            at(method.map_err(Error::usage)?, path)
        }
        [operation, ids @ ..] => named(operation, ids)?,
        [] => return Err(Error::usage("there is nothing to call")),
    };
    match target.operation.map(|operation| operation.id) {
        Some("login" | "login_user" | "logout") => {
            Err(Error::usage("embedctl logs in and out by itself").hint(
                "`embedctl token EXTERNAL_USER_ID` gives the token of an embed user, `--as` calls as one",
            ))
        }
        _ => Ok(target),
    }
}

fn is_method(word: &str) -> bool {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    methods
        .iter()
        .any(|method| method.eq_ignore_ascii_case(word))
}

fn at(method: Method, path: &str) -> Target {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = path.strip_prefix("/api/4.0").unwrap_or(path);
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Target {
        operation: Operation::at(method.as_str(), &path),
        method,
        path,
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
    }
}

fn named(id: &str, ids: &[String]) -> Result<Target, Error> {
    let operation = Operation::named(id).ok_or_else(|| unknown(id))?;
    let names: Vec<_> = operation.placeholders().collect();
    if names.len() != ids.len() {
        let message = match names.as_slice() {
            [] => format!("`{id}` takes no ids"),
            names => format!("`{id}` takes {}: {}", count(names.len()), names.join(", ")),
        };
        let example: String = names
            .iter()
            .map(|name| format!(" {}", name.to_uppercase()))
            .collect();
        let hint = match ids.iter().any(|id| id.contains('=')) {
            true => "write `--query KEY=VALUE` for a parameter of the query, `-f` or `-F` for a field of the body".to_owned(),
            false => format!("type `embedctl api {id}{example}`"),
        };
        return Err(Error::usage(message).hint(hint));
    }
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let method = Method::from_bytes(operation.method.as_bytes()).map_err(Error::internal)?;
    Ok(Target {
        method,
        path: operation.path(&ids)?,
        query: Vec::new(),
        operation: Some(operation),
    })
}

fn count(ids: usize) -> String {
    match ids {
        1 => "one id".to_owned(),
        many => format!("{many} ids"),
    }
}

fn unknown(id: &str) -> Error {
    let known = Operation::all().map(|operation| operation.id);
    let hint = match nearest(id, known) {
        Some(near) => {
            format!("did you mean `{near}`? any path can be called: `embedctl api GET /users/1`")
        }
        None => "give a method and a path, as in `embedctl api GET /users/1`".to_owned(),
    };
    Error::usage(format!("`{id}` is neither a path nor a known operation")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::{Target, read};

    fn target(words: &[&str], has_body: bool) -> Target {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        read(&words, has_body).unwrap()
    }

    fn refusal(words: &[&str]) -> String {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        let error = read(&words, false).err().unwrap();
        format!("{error}; {}", error.advice().unwrap_or_default())
    }

    #[test]
    fn the_forms_of_a_call() {
        let table: [(&[&str], bool, &str, &str); 8] = [
            (&["/users/7"], false, "GET", "/users/7"),
            (&["/users"], true, "POST", "/users"),
            (&["get", "users/7"], true, "GET", "/users/7"),
            (&["DELETE", "/api/4.0/users/7"], false, "DELETE", "/users/7"),
            (&["me"], false, "GET", "/user"),
            (&["update_user", "7"], true, "PATCH", "/users/7"),
            (
                &["user_for_credential", "embed", "a/b"],
                false,
                "GET",
                "/users/credential/embed/a%2Fb",
            ),
            (
                &["GET", "/not/in/the/table"],
                false,
                "GET",
                "/not/in/the/table",
            ),
        ];
        for (words, has_body, method, path) in table {
            let target = target(words, has_body);
            assert_eq!(
                (target.method.as_str(), target.path.as_str()),
                (method, path)
            );
        }
    }

    #[test]
    fn a_query_in_the_path_is_taken_apart() {
        let target = target(&["/users/search?embed_user=true&first_name=a%20b"], false);

        assert_eq!(target.path, "/users/search");
        assert_eq!(target.operation.unwrap().id, "search_users");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            target.query,
            [pair("embed_user", "true"), pair("first_name", "a b")]
        );
    }

    #[test]
    fn what_cannot_be_called_says_what_can() {
        let table: [(&[&str], &str); 6] = [
            (&["serch_users"], "did you mean `search_users`?"),
            (&["zzz"], "`embedctl api GET /users/1`"),
            (
                &["user"],
                "`user` takes one id: user_id; type `embedctl api user USER_ID`",
            ),
            (&["me", "7"], "`me` takes no ids"),
            (&["login_user", "7"], "`embedctl token EXTERNAL_USER_ID`"),
            (&["POST", "/api/4.0/login"], "logs in and out by itself"),
        ];
        for (words, expected) in table {
            let refusal = refusal(words);
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
