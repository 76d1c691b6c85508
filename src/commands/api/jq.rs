//! jq filters on answers.

use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, compile, data};
use jaq_json::{Val, read};

use crate::error::Error;

type Native = jaq_core::Native<data::JustLut<Val>>;

/// What jq has beyond what jaq's libraries define.
const TABLES: &str = r#"
    def @csv: map(if type == "string" then "\"" + gsub("\""; "\"\"") + "\"" elif . == null then "" else tostring end)
        | join(",");
    def @tsv: map(if . == null then "" else tostring | gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n")
        | gsub("\r"; "\\r") end) | join("\t");
"#;

/// A compiled filter.
pub(super) struct Filter {
    code: String,
    filter: compile::Filter<Native>,
}

impl Filter {
    /// The filter written `code`.
    pub(super) fn new(code: &str) -> Result<Self, Error> {
        let wrong = |what: &str| {
            Error::usage(format!("`{code}` is no jq filter: {what}"))
                .hint("write a filter as in `--jq '.[].id'`; embedctl has jq's language built in")
        };
        let definitions = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs())
            .chain(load::parse(TABLES, |parser| parser.defs()).unwrap_or_default());
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code, path: () })
            .map_err(|_| wrong("it cannot be read"))?;
        // The variables of this process hold secrets, and nobody needs them here.
        let functions = jaq_core::funs()
            .chain(jaq_std::funs().filter(|(name, ..)| *name != "env"))
            .chain(jaq_json::funs());
        let filter = Compiler::default()
            .with_funs(functions)
            .compile(modules)
            .map_err(|_| wrong("it uses a name that is not defined"))?;
        Ok(Self {
            code: code.to_owned(),
            filter,
        })
    }

    /// What the filter makes of the JSON text `body`: texts as they are, everything else as JSON. The errors of filters
    /// quote the answer, so they are not passed on.
    pub(super) fn run(&self, body: &[u8]) -> Result<Vec<String>, Error> {
        let failed = |what: &str| {
            let code = &self.code;
            Error::usage(format!("the filter `{code}` fails: {what}"))
                .hint("look at the answer without `--jq`")
        };
        let input = read::parse_single(body).map_err(|_| failed("the answer is no JSON"))?;
        let context = Ctx::<data::JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        self.filter
            .id
            .run((context, input))
            .map(|value| match value {
                Ok(Val::TStr(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
                Ok(value) => Ok(value.to_string()),
                Err(_) => Err(failed("it does not fit the answer")),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;

    fn run(code: &str, body: &str) -> Result<Vec<String>, String> {
        let filter = Filter::new(code).map_err(|error| error.to_string())?;
        filter
            .run(body.as_bytes())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn filters_select_and_shape() {
        let body = r#"[{"id":"7","n":1,"tags":["a","b"]},{"id":"8","n":2.5,"tags":[]}]"#;

        assert_eq!(run(".[].id", body).unwrap(), ["7", "8"]);
        assert_eq!(run("map(.n) | add", body).unwrap(), ["3.5"]);
        let shaped = run(".[] | select(.n > 2) | {id, k: (.tags | length)}", body).unwrap();
        assert_eq!(shaped, [r#"{"id":"8","k":0}"#]);
        let rows = r#"[["a\"b",1,null,true],["x\ty","\\",2.5,""]]"#;
        assert_eq!(run(".[] | @csv", rows).unwrap()[0], r#""a""b",1,,true"#);
        assert_eq!(run(".[] | @tsv", rows).unwrap()[1], "x\\ty\t\\\\\t2.5\t");
        assert_eq!(run(".[0].id | test(\"^7$\")", body).unwrap(), ["true"]);
    }

    #[test]
    fn a_filter_that_is_none_or_does_not_fit_says_so_and_quotes_no_answer() {
        assert!(run(".[", "[]").unwrap_err().contains("cannot be read"));
        assert!(run("env", "[]").unwrap_err().contains("not defined"));
        assert!(run("halt", "[]").unwrap_err().contains("does not fit"));
        assert!(run("nope", "[]").unwrap_err().contains("not defined"));
        assert!(run(".", "<html>").unwrap_err().contains("no JSON"));
        let error = run(".id", r#""s3cret""#).unwrap_err();
        assert!(
            error.contains("does not fit") && !error.contains("s3cret"),
            "{error}"
        );
    }
}
