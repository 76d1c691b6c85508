//! Finishes an earlier `apply` that was interrupted, before the manifest is compared with Looker.

use std::sync::Arc;

use crate::commands::apply::patience::Patience;
use crate::commands::apply::results::Results;
use crate::commands::engine::{self, OwnedRun, Request};
use crate::commands::key_sink;
use crate::commands::keys_to::{KeysTo, SinkArgs};
use crate::commands::progress::Latest;
use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::ledger::{Ledger, LedgerError, Run, RunId};
use crate::report::{Ui, number_of};

/// The command's name in the ledger.
pub(super) const COMMAND: &str = "apply";

/// How many earlier runs are searched.
const NEWEST: u32 = 200;

/// Finish every earlier run of this command that has jobs left, oldest first; one that another process works on is waited
/// for, as far as `patience` goes.
pub(super) async fn finish(
    ledger: &Arc<dyn Ledger>,
    results: &mut Results,
    request: &Request,
    (session, ui): (&Session, &Ui),
    patience: &mut Patience,
) -> Result<(), Error> {
    let (keys_to, about) = (request.keys_to.as_ref(), request.about.as_deref());
    let runs = ledger.runs(NEWEST).await?;
    let here = ledger.instance().await?;
    // Only runs of this Looker: the ledger may have been bound to another.
    let left = |run: &&Run| run.command == COMMAND && run.open > 0 && run.instance == here;
    // Oldest first, in the order in which they were begun.
    for run in runs.iter().filter(left).rev() {
        // The same manifest is being applied elsewhere: it is done sooner together.
        let same = about.is_some() && run.request.get("about").and_then(|it| it.as_str()) == about;
        if let Some(begun) = claim(&**ledger, run.id, same, patience).await? {
            go_on(begun, ledger, results, keys_to, (session, ui)).await?;
        }
    }
    Ok(())
}

/// An earlier run that this process works on from now on.
struct Begun {
    run: Run,
    /// Whether other processes work on it too.
    shared: bool,
}

/// Finish a run that this process has taken over or joined.
async fn go_on(
    Begun { run, shared }: Begun,
    ledger: &Arc<dyn Ledger>,
    results: &mut Results,
    keys_to: Option<&KeysTo>,
    (session, ui): (&Session, &Ui),
) -> Result<(), Error> {
    let id = run.id;
    let keys_to = match recorded_sink(&run, keys_to, session) {
        Ok(keys_to) => keys_to,
        Err(error) => {
            // Given back, because this process will not work on it.
            ledger.release(id).await?;
            return Err(error);
        }
    };
    let left = number_of(run.open, "user");
    ui.status(match shared {
        true => {
            format!("run {id} is applying this manifest elsewhere, with {left} left; joining it")
        }
        false => format!(
            "run {id} of an earlier apply stopped half-way with {left} left; finishing it first"
        ),
    });
    let latest = Latest::default();
    let sink = match &keys_to {
        Some(keys_to) => {
            let printer = results.printer(&latest);
            Some(key_sink::open(keys_to, printer, run.open > 1, session).await?)
        }
        None => None,
    };
    let going = OwnedRun {
        run: id,
        resumed: !shared,
        many: true,
        total: run.open,
        ledger: Arc::clone(ledger),
        signs: session.signers().is_ok(),
        sink,
        latest,
    };
    engine::go(going, session, |finished| results.finished(finished)).await?;
    // A user with unclear keys has already been reported; the next apply continues with it.
    if let Some(run) = ledger.run(id).await?.filter(|run| run.open > 0) {
        let message = format!(
            "run {id} of an earlier apply still has {} users left",
            run.open
        );
        return Err(Error::new(Kind::Incomplete, message).hint("run the same command again"));
    }
    Ok(())
}

/// Where the run delivers its keys. Only a command has to be given again; everything else is recorded.
fn recorded_sink(
    run: &Run,
    keys_to: Option<&KeysTo>,
    session: &Session,
) -> Result<Option<KeysTo>, Error> {
    let request: Request = serde_json::from_value(run.request.clone()).map_err(|error| {
        Error::internal(error).context(format!("cannot read what run {} was to do", run.id))
    })?;
    let Some(recorded) = request.keys_to else {
        return Ok(None);
    };
    let mut given = SinkArgs::default();
    if let Some(keys_to) = keys_to {
        let sinks = keys_to.sinks().iter();
        let commands = sinks.filter(|sink| sink.starts_with("exec:"));
        given.keys_to = commands
            .filter(|_| recorded.has_command())
            .cloned()
            .collect();
        given.adopt = keys_to.adopt;
    }
    recorded.again(&given, session).map(Some)
}

/// Take the run over once its owner is gone, or join it if it is for the `same` manifest; `None` if nothing is left of it by
/// then.
async fn claim(
    ledger: &dyn Ledger,
    run: RunId,
    same: bool,
    patience: &mut Patience,
) -> Result<Option<Begun>, Error> {
    loop {
        let (entered, shared) = match ledger.claim(run).await {
            Err(LedgerError::Busy { .. }) if same => (ledger.join(run).await, true),
            claimed => (claimed, false),
        };
        match entered {
            Ok(run) if run.open > 0 => return Ok(Some(Begun { run, shared })),
            Ok(_) => {
                ledger.release(run).await?;
                return Ok(None);
            }
            Err(error @ LedgerError::Busy { .. }) => patience.pause(error).await?,
            Err(error) => return Err(error.into()),
        }
    }
}
