//! `embedctl users explain`: why a person sees nothing, from Looker itself.

mod access;
mod attributes;
mod content;
mod findings;
mod person;
mod rows;
mod target;

use serde_json::{Map, Value, json};

use crate::commands::context::CommandContext;
use crate::commands::impersonate;
use crate::commands::session::{Needs, Session};
use crate::commands::users::explain::findings::{Asked, Findings};
use crate::commands::users::explain::person::Person;
use crate::commands::users::explain::rows::Asking;
use crate::commands::users::explain::target::Target;
use crate::error::{Error, Exit};
use crate::looker::{Client, ContentKind};

/// Find out why a person sees nothing
///
/// Checks in Looker itself whether the user is enabled and has a session, its permissions, models and attributes, and, for a
/// dashboard or look, whether the user can reach it and which rows its queries give to the user (sudo, one row each). Ends with
/// the cause and what to do.
///
/// It changes nothing: the queries count as the user's own in System Activity, and the token is logged out. Values of hidden
/// attributes and of rows are never shown.
///
/// Exits with 0 if everything works, 3 if a cause was found or something could not be checked, 5 if there is no such user.
#[derive(clap::Args, Debug)]
pub(crate) struct UsersExplainArgs {
    /// Your own id of the user
    external_user_id: String,

    #[command(flatten)]
    content: ContentArgs,
}

#[derive(clap::Args, Debug)]
#[group(multiple = false)]
struct ContentArgs {
    /// The dashboard that the person should see; `MODEL::NAME` for one that is written in LookML
    #[arg(long, value_name = "ID")]
    dashboard: Option<String>,

    /// The look that the person should see
    #[arg(long, value_name = "ID")]
    look: Option<String>,

    /// The embed path, whose query gives values for the dashboard's filters
    #[arg(long)]
    path: Option<String>,
}

impl ContentArgs {
    fn target(&self) -> Result<Option<Target>, Error> {
        let Self {
            dashboard,
            look,
            path,
        } = self;
        Ok(match (dashboard, look, path) {
            (Some(id), _, _) => Some(Target::of(ContentKind::Dashboard, id)),
            (_, Some(id), _) => Some(Target::of(ContentKind::Look, id)),
            (_, _, Some(path)) => Some(Target::of_path(path)?),
            (None, None, None) => None,
        })
    }
}

pub(crate) async fn run(args: &UsersExplainArgs, cx: CommandContext) -> Result<Exit, Error> {
    cx.ui.refuse_env()?;
    let target = args.content.target()?;
    Session::within(cx, Needs::Api, async |session| {
        explain(&args.external_user_id, target.as_ref(), session).await
    })
    .await
}

async fn explain(
    external_user_id: &str,
    target: Option<&Target>,
    session: &Session,
) -> Result<Exit, Error> {
    let mut findings = Findings::default();
    let read = async {
        let user = impersonate::find(external_user_id, session).await?;
        Ok(Box::pin(Person::read(external_user_id, user, &session.admin)).await)
    };
    let mut person = session.until_interrupted(read).await?;
    person.judge_account(target.is_some(), session.system.clock.now(), &mut findings);
    let sudo = act_as(&person, session, &mut findings).await?;
    let work = async {
        if let Some(sudo) = &sudo {
            person.ask_for_models(sudo).await;
        }
        Ok(match target {
            None => {
                person.judge_grants(&mut findings);
                Value::Null
            }
            Some(target) => {
                let whom = (&person, sudo.as_ref());
                Box::pin(explain_content(whom, target, &session.admin, &mut findings)).await
            }
        })
    };
    let ended = session.until_interrupted(work).await;
    if let Some(sudo) = &sudo {
        impersonate::end(sudo, &session.ui).await;
    }
    let more = [
        ("external_user_id", external_user_id.into()),
        ("looker_user_id", person.user.id.clone().into()),
        ("content", ended?),
        ("attributes", person.attributes_json()),
    ];
    let more = more.map(|(name, value)| (name.to_owned(), value));
    findings.conclude(Map::from_iter(more), &session.ui)
}

/// A client that acts as the person; no one can act as a disabled one.
async fn act_as(
    person: &Person,
    session: &Session,
    findings: &mut Findings,
) -> Result<Option<Client>, Error> {
    // belief: sudo-refuses-the-disabled
    if person.user.is_disabled {
        return Ok(None);
    }
    let asking = async { Ok(Asked::from(session.admin.login_user(&person.user.id).await)) };
    Ok(match session.until_interrupted(asking).await? {
        Asked::Got(sudo) => Some(sudo),
        Asked::Refused(why) | Asked::Unclear(why) => {
            findings.unclear("sudo", format!("cannot act as the user: {why}"));
            None
        }
    })
}

/// Judge a dashboard or look; returns it for programs, or null if even the admin does not see it.
async fn explain_content(
    (person, sudo): (&Person, Option<&Client>),
    target: &Target,
    admin: &Client,
    findings: &mut Findings,
) -> Value {
    let Some(shown) = content::read(target, admin, findings).await else {
        return Value::Null;
    };
    let json = json!({
        "kind": target.kind,
        "id": shown.id,
        "title": shown.title,
        "folder_id": shown.folder.as_ref().map(|(id, _)| id),
        "models": content::models(target, &shown),
    });
    // What is in the trash is shown to no one.
    let sudo = sudo.filter(|_| !shown.deleted);
    let reached = match sudo {
        Some(sudo) => Some(Asked::from(sudo.shown(target.kind, &target.id).await)),
        None => None,
    };
    content::judge_grants(person, target, (&shown, reached.as_ref()), findings);
    person.judge_attributes(findings);
    let (Some(sudo), Some(reached)) = (sudo, reached) else {
        return json;
    };
    let is_reached = matches!(reached, Asked::Got(_));
    Box::pin(access::judge(
        person,
        target,
        (&shown, reached),
        admin,
        findings,
    ))
    .await;
    // Whoever cannot open it never gets as far as its queries.
    if is_reached {
        let asking = Asking::new((person, target), &shown, (sudo, admin));
        Box::pin(asking.judge(findings)).await;
    }
    json
}
