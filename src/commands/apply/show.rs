//! Prints a plan.

use anstyle::AnsiColor;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::commands::apply::counts::Counts;
use crate::commands::apply::groups::Groups;
use crate::commands::apply::prepare::{CheckedManifest, Decisions};
use crate::commands::apply::room::Room;
use crate::commands::files::Writing;
use crate::commands::json_object::with;
use crate::commands::minter;
use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::plan::{Action, Change, PlanWriter, Sign};
use crate::report::{Format, Ui, escape_control};

/// What is printed of a plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    /// Users of whom the same changes, together.
    pub(crate) summary: bool,
    /// A monthly quota of calls to compare with.
    pub(crate) quota: Option<u64>,
}

/// Print every change and the totals; write the changes to `out` too, if given.
pub(crate) async fn show(
    sound: &CheckedManifest,
    mut decisions: Decisions,
    shown: Shown,
    (session, ui): (&Session, &Ui),
    mut out: Option<&mut PlanWriter<Writing>>,
) -> Result<Counts, Error> {
    let mut counts = Counts::new(sound.options.clone());
    let mut printed = 0_u64;
    let mut groups = shown.summary.then(Groups::default);
    loop {
        let chunk = decisions.next().await?;
        if chunk.is_empty() {
            break;
        }
        for planned in chunk {
            counts.job(&planned);
            if planned.change.action == Action::Unchanged {
                continue;
            }
            match &mut groups {
                Some(groups) => groups.add(&planned.change),
                None => {
                    print(&planned.change, printed == 0, ui)?;
                    printed += 1;
                }
            }
            if let Some(out) = &mut out {
                out.line(&planned).map_err(|error| {
                    Error::caused(Kind::Internal, error).context("cannot write the plan")
                })?;
            }
        }
    }
    if let Some(groups) = groups {
        printed = print_groups(&groups, ui)?;
    }
    let quota = match shown.quota {
        Some(limit) => Some(Quota {
            limit,
            calls: session.http.calls() + counts.calls,
            // Those of this plan are among the others.
            made: sound
                .ledger
                .calls_this_month()
                .await?
                .map(|made| made.saturating_sub(session.http.calls())),
        }),
        None => None,
    };
    conclude(&counts, printed, quota, session, ui)?;
    // Last, so that the plan shows whom it is about.
    decisions.check_max()?;
    Ok(counts)
}

/// Print the totals, after `printed` changes.
fn conclude(
    counts: &Counts,
    printed: u64,
    quota: Option<Quota>,
    session: &Session,
    ui: &Ui,
) -> Result<(), Error> {
    let calls = session.http.calls();
    let room = Room::of(counts, session.settings.ledger_place()?.as_ref());
    let mut summary = counts.json(calls);
    if let Some(members) = summary.as_object_mut().filter(|_| counts.mints()) {
        members.insert("keys_by".to_owned(), json!(session.keys.minter().word()));
    }
    if let (Some(quota), Some(members)) = (&quota, summary.as_object_mut()) {
        members.insert("quota".to_owned(), quota.json());
    }
    if let (Some(room), Some(members)) = (room, summary.as_object_mut()) {
        members.insert("ledger_bytes".to_owned(), room.json());
    }
    match ui.format() {
        Format::Env => return Err(ui.no_env_form()),
        Format::Json => ui.data(&json_end(&summary, printed)?)?,
        Format::Jsonl => {
            let mut line = Map::from_iter([("type".to_owned(), json!("summary"))]);
            line.extend(summary.as_object().cloned().unwrap_or_default());
            ui.json(&line)?;
        }
        Format::Table => {
            ui.data(&counts.text(calls))?;
            if let Some(room) = room {
                ui.data(&room.text())?;
            }
            if counts.mints() {
                ui.data(&format!("{}\n", minter::sentence(session)))?;
            }
            if let Some(quota) = quota {
                ui.data(&quota.text())?;
            }
        }
    }
    Ok(())
}

fn print(change: &Change, first: bool, ui: &Ui) -> Result<(), Error> {
    match ui.format() {
        Format::Table | Format::Env => print_text(change, &change.named(), ui),
        Format::Jsonl => ui.json(change),
        Format::Json => print_part(change, first, ui),
    }
}

/// Print a change about `users` as text: its first line in the colour of what it does, and the others as what they do.
fn print_text(change: &Change, users: &str, ui: &Ui) -> Result<(), Error> {
    let color = match change.action {
        Action::Create => AnsiColor::Green,
        Action::Update | Action::Enable => AnsiColor::Yellow,
        Action::Key => AnsiColor::Cyan,
        Action::Disable | Action::Refused => AnsiColor::Red,
        Action::Unchanged => AnsiColor::White,
    };
    let mut text = ui.painted(&escape_control(&change.heading(users)), color);
    for (sign, part) in change.detail_parts() {
        let part = escape_control(&part);
        text.push_str(&match sign {
            Sign::Plus => ui.painted(&part, AnsiColor::Green),
            Sign::Tilde => ui.painted(&part, AnsiColor::Yellow),
            Sign::Minus => ui.painted(&part, AnsiColor::Red),
            Sign::None => part,
        });
    }
    ui.data(&format!("{text}\n"))
}

/// Print a part of the JSON object.
fn print_part(part: &impl Serialize, first: bool, ui: &Ui) -> Result<(), Error> {
    let text = serde_json::to_string(part).map_err(Error::internal)?;
    let before = if first { "{\"changes\":[" } else { "," };
    ui.data(&format!("{before}{text}"))
}

/// Print the groups, and return how many there are.
fn print_groups(groups: &Groups, ui: &Ui) -> Result<u64, Error> {
    let mut printed = 0;
    if ui.format().is_json() {
        for object in groups.objects() {
            match ui.format() {
                Format::Json => print_part(&object, printed == 0, ui)?,
                _ => ui.json(&object)?,
            }
            printed += 1;
        }
    } else {
        for (change, users) in groups.each() {
            print_text(change, &users, ui)?;
            printed += 1;
        }
    }
    if groups.others() > 0 {
        ui.warning(format!(
            "there are too many different changes for a summary; {} users are in none of the groups",
            groups.others()
        ));
    }
    Ok(printed)
}

/// The end of the JSON object: the list of changes may be long, so it is written piece by piece.
fn json_end(summary: &Value, printed: u64) -> Result<String, Error> {
    let text = serde_json::to_string(summary).map_err(Error::internal)?;
    let members = text.strip_prefix('{').unwrap_or(&text);
    let begin = if printed == 0 { "{\"changes\":[" } else { "" };
    Ok(format!("{begin}],{members}\n"))
}

/// How many calls a month an edition of Looker (Google Cloud core) allows.
struct Quota {
    limit: u64,
    /// Of the plan.
    calls: u64,
    /// How many were made this month, if that is known.
    made: Option<u64>,
}

impl Quota {
    #[expect(clippy::cast_precision_loss, reason = "a share to one digit")]
    fn percent(&self, calls: u64) -> f64 {
        (calls as f64 * 1000.0 / self.limit.max(1) as f64).round() / 10.0
    }

    /// With those that were made before.
    fn all(&self) -> u64 {
        self.calls + self.made.unwrap_or_default()
    }

    fn json(&self) -> Value {
        let quota = json!({
            "limit": self.limit,
            "percent": self.percent(self.calls),
            "exceeded": self.all() > self.limit,
        });
        match self.made {
            Some(made) => with(
                with(quota, "made_this_month", made),
                "percent_this_month",
                self.percent(self.all()),
            ),
            None => quota,
        }
    }

    fn text(&self) -> String {
        let over = match self.all().checked_sub(self.limit) {
            Some(over) if over > 0 => format!(", {over} more than there are"),
            _ => String::new(),
        };
        let before = match self.made {
            Some(made) => format!(
                "; with the {made} that were made with this ledger this month {} %",
                self.percent(self.all())
            ),
            None => String::new(),
        };
        format!(
            "That is {} % of a quota of {} calls{before}{over}.\n",
            self.percent(self.calls),
            self.limit
        )
    }
}
