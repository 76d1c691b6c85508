//! jq filters on responses, run in their own process: a filter that never ends, or exhausts the memory, must not take embedctl
//! down.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, compile, data};
use jaq_json::{Val, read};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::system::{FILTER_PATIENCE, Program, System, limit};

type Native = jaq_core::Native<data::JustLut<Val>>;

/// The first argument that starts this program as a filter process.
pub(crate) const HELPER: &str = "__jq";

/// The memory limit of a filter.
const MEMORY: u64 = 2 << 30;
const STACK: usize = 64 << 20;

/// The most that a filter may output.
const MOST: u64 = 256 << 20;

/// Parts of jq that jaq's libraries do not define.
const TABLES: &str = r#"
    def @csv: map(if type == "string" then "\"" + gsub("\""; "\"\"") + "\"" elif . == null then "" else tostring end)
        | join(",");
    def @tsv: map(if . == null then "" else tostring | gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n")
        | gsub("\r"; "\\r") end) | join("\t");
"#;

/// A filter.
pub(super) struct Filter {
    code: String,
    /// The process that runs it; without one, it runs in this process.
    program: Option<Program>,
    /// How long it may take for one response.
    patience: Duration,
}

/// The result of a filter.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Lines(Vec<String>),
    /// The text is not a valid filter.
    Wrong(String),
    /// The filter fails for the response.
    Failed(String),
}

impl Filter {
    /// The filter with the text `code`.
    pub(super) async fn new(code: &str, system: &System) -> Result<Self, Error> {
        let program = system.helper().map(|helper| Program {
            argv: vec![helper.into(), HELPER.into(), "check".into(), code.into()],
            folder: system.path(""),
            env: Vec::new(),
            helper: None,
        });
        let mut filter = Self {
            code: code.to_owned(),
            program,
            patience: system.filter_patience,
        };
        let checked = match &filter.program {
            Some(program) => filter.ask(program, b"").await?,
            None => compiled(code).map_or_else(Outcome::Wrong, |_| Outcome::Lines(Vec::new())),
        };
        filter.lines(checked)?;
        if let Some(word) = filter
            .program
            .as_mut()
            .and_then(|program| program.argv.get_mut(2))
        {
            *word = "run".into();
        }
        Ok(filter)
    }

    /// The output of the filter for the JSON text `body`: strings without quotes, everything else as JSON.
    pub(super) async fn run(&self, body: &[u8]) -> Result<Vec<String>, Error> {
        let outcome = match &self.program {
            Some(program) => self.ask(program, body).await?,
            None => filtered(&self.code, body),
        };
        self.lines(outcome)
    }

    async fn ask(&self, program: &Program, body: &[u8]) -> Result<Outcome, Error> {
        let ended = program.run(Some(body), MOST, self.patience).await;
        let ended = ended.map_err(|error| {
            Error::internal(error).context("cannot start the process that runs the filter")
        })?;
        let told = ended.and_then(|ended| serde_json::from_slice(&ended.out).ok());
        let endless = "it takes too long, or more memory than a filter may have";
        Ok(told.unwrap_or_else(|| Outcome::Failed(endless.to_owned())))
    }

    fn lines(&self, outcome: Outcome) -> Result<Vec<String>, Error> {
        let code = &self.code;
        match outcome {
            Outcome::Lines(lines) => Ok(lines),
            Outcome::Wrong(what) => Err(Error::usage(format!("`{code}` is no jq filter: {what}"))
                .hint("write a filter as in `--jq '.[].id'`; embedctl has jq's language built in")),
            Outcome::Failed(what) => {
                Err(Error::usage(format!("the filter `{code}` fails: {what}"))
                    .hint("look at the answer without `--jq`"))
            }
        }
    }
}

/// The job of a process started with [`HELPER`]: check or run the filter in `args` on standard input.
pub(crate) fn help(mut args: impl Iterator<Item = OsString>, system: &System) -> ExitCode {
    limit(MEMORY, FILTER_PATIENCE.as_secs());
    let run = args.next().is_some_and(|word| word == "run");
    let code = args.next().unwrap_or_default();
    let code = code.to_string_lossy().into_owned();
    let mut body = Vec::new();
    if system.input.clone().read_to_end(&mut body).is_err() {
        return ExitCode::FAILURE;
    }
    // On its own stack: how much a filter needs is not for this program to limit.
    let work = move || match run {
        true => filtered(&code, &body),
        false => compiled(&code).map_or_else(Outcome::Wrong, |_| Outcome::Lines(Vec::new())),
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(work);
    let Some(outcome) = thread.ok().and_then(|thread| thread.join().ok()) else {
        return ExitCode::FAILURE;
    };
    let told = serde_json::to_vec(&outcome).is_ok_and(|text| {
        let mut out = system.out.clone();
        out.write_all(&text).and_then(|()| out.flush()).is_ok()
    });
    if told {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn compiled(code: &str) -> Result<compile::Filter<Native>, String> {
    let definitions = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs())
        .chain(load::parse(TABLES, |parser| parser.defs()).unwrap_or_default());
    let arena = Arena::default();
    let modules = Loader::new(definitions)
        .load(&arena, File { code, path: () })
        .map_err(|_| "it cannot be read".to_owned())?;
    // Without `env`: the variables of this process may hold secrets.
    let functions = jaq_core::funs()
        .chain(jaq_std::funs().filter(|(name, ..)| *name != "env"))
        .chain(jaq_json::funs());
    Compiler::default()
        .with_funs(functions)
        .compile(modules)
        .map_err(|_| "it uses a name that is not defined".to_owned())
}

/// Errors of filters quote the response, which may hold secrets, so they are not passed on.
fn filtered(code: &str, body: &[u8]) -> Outcome {
    let failed = |what: &str| Outcome::Failed(what.to_owned());
    let filter = match compiled(code) {
        Ok(filter) => filter,
        Err(wrong) => return Outcome::Wrong(wrong),
    };
    let Ok(input) = read::parse_single(body) else {
        return failed("the answer is no JSON");
    };
    let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let values = filter.id.run((context, input));
    let lines: Option<Vec<String>> = values
        .map(|value| match value {
            Ok(Val::TStr(text)) => Some(String::from_utf8_lossy(&text).into_owned()),
            Ok(value) => Some(value.to_string()),
            Err(_) => None,
        })
        .collect();
    lines.map_or_else(|| failed("it does not fit the answer"), Outcome::Lines)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, filtered};

    fn run(code: &str, body: &str) -> Result<Vec<String>, String> {
        match filtered(code, body.as_bytes()) {
            Outcome::Lines(lines) => Ok(lines),
            Outcome::Wrong(what) | Outcome::Failed(what) => Err(what),
        }
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
