//! `embedctl api`: any call of Looker's API.

mod body;
pub(crate) mod jq;
mod pages;
mod pretty;
mod target;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use reqwest::Method;
use serde_json::{Value, json};

use crate::commands::api::jq::Filter;
use crate::commands::api::pages::{Call, Printer};
use crate::commands::context::CommandContext;
use crate::commands::impersonate;
use crate::commands::session::{Needs, Session};
use crate::config::nearest;
use crate::error::{Error, Exit, Kind};
use crate::looker::Operation;
use crate::system::System;
use crate::workflow::{Sight, sight};

/// Call any operation of Looker's API, as the admin or as an embed user
///
/// A call is a method and a path below `/api/4.0`, or a path alone, or the id of an operation in Looker's API description
/// followed by the ids in its path. A path alone means GET, or POST if there is a body. The access token is never printed;
/// use `embedctl token` to get one.
#[derive(clap::Args, Debug)]
pub(crate) struct ApiArgs {
    /// METHOD PATH, or PATH, or OPERATION and the ids in its path
    #[arg(required = true, value_name = "CALL", add = ArgValueCandidates::new(operations))]
    call: Vec<String>,

    /// A field of the body that is this text, whatever it looks like
    #[arg(short = 'f', long = "raw-field", value_name = "KEY=TEXT")]
    raw_fields: Vec<String>,

    /// A field of the body; `true`, `null`, numbers and JSON keep their type, unless the field is text; `@FILE` is the text of a
    /// file, `@-` that of standard input
    #[arg(short = 'F', long = "field", value_name = "KEY=VALUE")]
    fields: Vec<String>,

    /// The whole body, as JSON in a file or on standard input
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["fields", "raw_fields"])]
    input: Option<String>,

    /// A parameter of the query
    #[arg(long, value_name = "KEY=VALUE")]
    query: Vec<String>,

    /// Get all pages and print them as one list
    #[arg(long)]
    paginate: bool,

    /// Print the output of this jq filter for the response; strings without quotes
    #[arg(long, value_name = "FILTER")]
    jq: Option<String>,

    /// Print the status and the headers too
    #[arg(short, long)]
    include: bool,

    /// Call as this embed user, with a token that is logged out afterwards
    #[arg(long = "as", value_name = "EXTERNAL_USER_ID")]
    acting_as: Option<String>,

    /// Send fields and query parameters that the operation is not known to have
    #[arg(long)]
    unchecked: bool,

    /// Print what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: &ApiArgs, cx: CommandContext) -> Result<Exit, Error> {
    let call = call(args, &cx.system)?;
    let filter = match args.jq.as_deref() {
        Some(code) => Some(Filter::new(code, &cx.system).await?),
        None => None,
    };
    cx.ui.refuse_env()?;
    if args.dry_run {
        cx.ui.json(&described(&call, args))?;
        return Ok(Exit::Done);
    }
    Session::within(cx, Needs::Api, async |session| {
        let printer = Printer::new(&session.ui, &session.system, filter, args.include);
        let sent = send(args.acting_as.as_deref(), &call, &printer, session).await;
        sent.map(|()| Exit::Done)
    })
    .await
}

async fn send(
    user: Option<&str>,
    call: &Call,
    printer: &Printer<'_>,
    session: &Session,
) -> Result<(), Error> {
    let Some(user) = user else {
        let work = pages::run(&session.admin, call, printer);
        let ended = session.until_interrupted(work).await;
        let nothing = match &ended {
            Ok(is_empty) => *is_empty,
            Err(error) => error.kind() == Kind::NotFound,
        };
        // To others than an admin, Looker answers so about what they may not see.
        if nothing && let Ok(Sight::Part(who)) = sight(&session.admin).await {
            let warning = format!("{who}: there may be more than Looker shows");
            session.ui.warning(warning);
        }
        return ended.map(drop);
    };
    let (_, sudo) = impersonate::become_user(user, session).await?;
    let work = pages::run(&sudo, call, printer);
    let ended = session.until_interrupted(work).await;
    impersonate::end(&sudo, &session.ui).await;
    ended.map(drop)
}

fn call(args: &ApiArgs, system: &System) -> Result<Call, Error> {
    let given = body::given(args, system)?;
    let target = target::read(&args.call, given.is_some())?;
    let body = given
        .map(|given| given.render(target.operation, args.unchecked))
        .transpose()?;
    let mut query = target.query;
    for pair in &args.query {
        query.push(body::pair(pair, "--query")?);
    }
    if let Some(operation) = target.operation.filter(|_| !args.unchecked) {
        for (name, _) in &query {
            check_parameter(operation, name)?;
        }
    }
    let known_without = target
        .operation
        .is_some_and(|operation| !operation.has_pages);
    if args.paginate && (known_without || target.method != Method::GET) {
        let message = format!("`{} {}` is not paged", target.method, target.path);
        return Err(Error::usage(message).hint("leave `--paginate` out"));
    }
    Ok(Call {
        operation: target.operation.map_or("api", |operation| operation.id),
        method: target.method,
        path: target.path,
        query,
        body,
        paginate: args.paginate,
    })
}

/// Refuse a parameter that Looker would ignore: a list without the filter has everything.
fn check_parameter(operation: Operation, name: &str) -> Result<(), Error> {
    if operation.query_parameters().any(|known| known == name) {
        return Ok(());
    }
    let message = format!("`{}` has no query parameter `{name}`", operation.id);
    if (operation.id, name) == ("search_users", "external_user_id") {
        return Err(Error::usage(message).hint(
            "`embedctl api user_for_credential embed ID` finds a user by its external user id, `embedctl users list --match 'acme-*'` several",
        ));
    }
    let hint = match nearest(name, operation.query_parameters()) {
        Some(near) => format!("did you mean `{near}`? `--unchecked` sends it as it is"),
        None if operation.query_parameters().next().is_none() => {
            "it has none; `--unchecked` sends it as it is".to_owned()
        }
        None => {
            let names: Vec<_> = operation.query_parameters().collect();
            format!(
                "it has {}; `--unchecked` sends others too",
                names.join(", ")
            )
        }
    };
    Err(Error::usage(message).hint(hint))
}

fn described(call: &Call, args: &ApiArgs) -> Value {
    let body = call.body.as_deref();
    let body: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    json!({
        "dry_run": true,
        "operation": call.operation,
        "method": call.method.as_str(),
        "path": format!("/api/4.0{}", call.path),
        "query": call.query,
        "body": body,
        "as": args.acting_as,
    })
}

fn operations() -> Vec<CompletionCandidate> {
    let known = Operation::all();
    known
        .map(|operation| {
            let help = format!("{} {}", operation.method, operation.template);
            CompletionCandidate::new(operation.id).help(Some(help.into()))
        })
        .collect()
}
