//! The main jobs while something in front of Looker answers in its place: on each operation they call, once and for ever.
//!
//! Nothing is reported that did not happen, and where asking once more is safe, an outage of one answer is no hindrance.
//! A command that failed because of one answer is run again, and ends right or loud.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

use embedctl::emulator::{Effect, ErrorBody, Fault, RequestRecord};

use crate::jobs::{Twist, job, run, took};
use crate::judge::Verdict;
use crate::support::print;

/// What answers in Looker's place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Front {
    /// The page that hosted instances show while they are away, recorded on any path: 404 in HTML.
    Page,
    /// The same page after Looker has done what was asked.
    PageAfter,
    /// The same page, said to be of any type, as recorded of a login.
    Star,
    /// A 404 without a body.
    Empty404,
    /// A 403 without a body, as allow-lists give.
    Empty403,
    /// Nothing, though Looker has done what was asked.
    Silence,
}

/// How often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Often {
    Once,
    Ever,
}

/// One case of a job.
#[derive(Clone, Copy, Debug)]
struct Case {
    operation: &'static str,
    front: Front,
    often: Often,
}

/// Cases that are known to be wrong; they must become fewer: one that is right fails the test.
const KNOWN_WRONG: &[(&str, &str)] = &[];

impl Front {
    const ALL: [Self; 6] = [
        Self::Page,
        Self::PageAfter,
        Self::Star,
        Self::Empty404,
        Self::Empty403,
        Self::Silence,
    ];

    fn effect(self) -> Effect {
        let status = |code, body| Effect::Status {
            code,
            body,
            retry_after: None,
        };
        match self {
            Self::Page => status(404, ErrorBody::Outage),
            Self::PageAfter => Effect::StatusAfter {
                code: 404,
                body: ErrorBody::Outage,
            },
            Self::Star => status(404, ErrorBody::Star),
            Self::Empty404 => status(404, ErrorBody::Empty),
            Self::Empty403 => status(403, ErrorBody::Empty),
            Self::Silence => Effect::ResetAfter,
        }
    }
}

impl Case {
    fn fault(self) -> Fault {
        let times = match self.often {
            Often::Once => 1,
            Often::Ever => 0,
        };
        Fault::new(self.front.effect())
            .on(self.operation)
            .times(times)
    }

    /// Whether the job has to succeed all the same: it was asked to do something that may be asked again. A second token
    /// of an embed user is not asked for, since the first one may be alive.
    fn must_succeed(self, requests: &[RequestRecord]) -> bool {
        let may_be_repeated = ["login", "logout"].contains(&self.operation);
        let mut asked = requests.iter().filter(|it| it.operation == self.operation);
        let is_read = asked.all(|it| it.method == "GET") && self.operation != "login_embed";
        // A firewall that says no is not asked again.
        let may_be_asked_again = self.front != Front::Empty403;
        self.often == Often::Once && may_be_asked_again && (is_read || may_be_repeated)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.operation, self.front, self.often)
    }
}

/// The case that is being tried, told if it never comes to an end.
struct Doing(String);

impl Drop for Doing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            print(&format!("in the midst of {}", self.0));
        }
    }
}

/// Do a job without an outage, then with every one, and tell of all that went wrong.
async fn on_every_operation(name: &str, fronts: &[Front], how_often: &[Often]) {
    let (job, start) = (job(name), Instant::now());
    let usual = run(job, &Twist::default()).await;
    let operations: BTreeSet<&str> = usual.requests.iter().map(|it| it.operation).collect();
    let (mut cases, mut wrong, mut right) = (0, Vec::new(), 0);
    for operation in operations {
        for (front, often) in fronts
            .iter()
            .flat_map(|front| how_often.iter().map(move |often| (*front, *often)))
        {
            let case = Case {
                operation,
                front,
                often,
            };
            let twist = Twist {
                fault: Some(case.fault()),
                // Once it is over, the same command ends right or loud too.
                again: often == Often::Once,
                ..Twist::default()
            };
            let doing = Doing(format!("{name}, {case}"));
            let ended = run(job, &twist).await;
            drop(doing);
            cases += 1;
            let finding = match &ended.result {
                Ok(_) if ended.again && case.must_succeed(&usual.requests) => {
                    Some("loud, where asking once more is safe".to_owned())
                }
                Ok(Verdict::Right) if !ended.again => {
                    right += 1;
                    None
                }
                Ok(Verdict::Right) => None,
                Ok(Verdict::Loud) => None,
                Err(findings) if ended.again => Some(format!(
                    "run again after it had failed: {}",
                    findings.join("\n    ")
                )),
                Err(findings) => Some(findings.join("\n    ")),
            };
            let known = KNOWN_WRONG.contains(&(name, case.to_string().as_str()));
            match (finding, known) {
                (Some(finding), false) => {
                    wrong.push(format!("{name}, {case}: {finding}\n{}", ended.said()));
                }
                (None, true) => wrong.push(format!(
                    "{name}, {case}: right now, so it is to be taken from the list"
                )),
                _ => {}
            }
        }
    }
    took(&format!("{name} with outages, {right} right"), cases, start);
    assert!(
        wrong.is_empty(),
        "{} findings in {cases} cases\n\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    assert!(
        cases > 2,
        "only {cases} cases: the matrix does not reach the job"
    );
}

macro_rules! matrix {
    ($($test:ident: $job:literal, $fronts:expr, $often:expr;)*) => {$(
        #[tokio::test]
        async fn $test() {
            on_every_operation($job, $fronts, $often).await;
        }
    )*};
}

const BOTH: &[Often] = &[Often::Once, Often::Ever];

matrix! {
    create_user: "create-user", &Front::ALL, BOTH;
    create_user_that_is_there: "create-user that is there", &[Front::Page], BOTH;
    create_user_with_update: "create-user --update", &[Front::Page], BOTH;
    apply_twice: "apply twice", &Front::ALL, BOTH;
    apply_on_another_machine: "apply on another machine", &[Front::Page], BOTH;
    plan: "plan", &[Front::Page], BOTH;
    plan_after_apply: "plan after apply", &[Front::Page], BOTH;
    keys_mint: "keys mint", &[Front::Page, Front::PageAfter], BOTH;
    keys_rotate: "keys rotate", &Front::ALL, BOTH;
    keys_revoke: "keys revoke", &Front::ALL, BOTH;
    keys_reap: "keys reap", &Front::ALL, BOTH;
    keys_orphans: "keys orphans", &[Front::Page, Front::PageAfter, Front::Silence], BOTH;
    keys_list: "keys list", &[Front::Page], BOTH;
    users_list: "users list", &[Front::Page], BOTH;
    users_disable: "users disable", &[Front::Page, Front::PageAfter], BOTH;
    users_enable: "users enable", &[Front::Page], BOTH;
    users_delete: "users delete", &Front::ALL, BOTH;
    rotate_id_and_undo_once: "rotate-id and undo", &[Front::Page], &[Often::Once];
    rotate_id_and_undo_for_ever: "rotate-id and undo", &[Front::Page], &[Often::Ever];
}
