//! `embedctl url sign --batch`: JSON Lines in, a URL per line out, in order, using every core.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::commands::url::blocks::{Block, Blocks};
use crate::commands::url::lines::{Job, Signed};
use crate::error::{Error, Exit, Kind};
use crate::report::{Format, Ui};
use crate::system::System;

/// Sign the lines of `file`; what a line omits comes from the job.
pub(super) fn run(file: &Path, job: &Job<'_>, ui: &Ui, system: &System) -> Result<Exit, Error> {
    if ui.format() == Format::Env {
        return Err(Error::usage("many URLs have no form as variables")
            .hint("leave `--output` out for one URL a line, or use `--output jsonl`"));
    }
    let tally = if file == Path::new("-") {
        stream(system.input.clone(), "standard input", job, ui)?
    } else {
        let name = format!("`{}`", file.display());
        let input = File::open(system.path(file))
            .map_err(|error| Error::usage(error).context(format!("cannot read {name}")))?;
        stream(input, &name, job, ui)?
    };
    tally.exit()
}

/// How many lines there were.
#[derive(Default)]
struct Tally {
    signed: u64,
    refused: u64,
}

impl Tally {
    fn exit(&self) -> Result<Exit, Error> {
        if self.refused == 0 {
            return Ok(Exit::Done);
        }
        let lines = self.signed + self.refused;
        let message = format!("{} of {lines} lines could not be signed", self.refused);
        Err(Error::new(Kind::Incomplete, message)
            .hint("correct the lines named above and sign them again"))
    }
}

/// Hand the blocks of the input to the workers in turn, and collect their results in the same turn: this keeps the order, and
/// only a few blocks are in memory at any time.
fn stream(input: impl Read + Send, name: &str, job: &Job<'_>, ui: &Ui) -> Result<Tally, Error> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let (inboxes, outboxes) = (0..workers)
            .map(|_| {
                let (to_worker, inbox) = sync_channel::<Block>(1);
                let (outbox, from_worker) = sync_channel::<Result<Signed, Error>>(1);
                scope.spawn(move || work(job, &inbox, &outbox));
                (to_worker, from_worker)
            })
            .collect::<(Vec<_>, Vec<_>)>();
        let reader = scope.spawn(move || read(input, &inboxes));
        let written = write(&outboxes, ui);
        // After a failed write, this ends the workers, and they end the reader.
        drop(outboxes);
        let read = reader.join().expect("the reader does not panic");
        let tally = written?;
        read.map_err(|error| Error::internal(error).context(format!("cannot read {name}")))?;
        Ok(tally)
    })
}

/// Ends with the input, or when the results are no longer wanted.
fn read(input: impl Read, inboxes: &[SyncSender<Block>]) -> io::Result<()> {
    let mut blocks = Blocks::new(input);
    for inbox in inboxes.iter().cycle() {
        let Some(block) = blocks.next()? else { break };
        if inbox.send(block).is_err() {
            break;
        }
    }
    Ok(())
}

fn work(job: &Job<'_>, inbox: &Receiver<Block>, outbox: &SyncSender<Result<Signed, Error>>) {
    for block in inbox {
        if outbox.send(job.sign(&block)).is_err() {
            break;
        }
    }
}

fn write(outboxes: &[Receiver<Result<Signed, Error>>], ui: &Ui) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    for outbox in outboxes.iter().cycle() {
        // The worker whose turn it is has ended: there are no more blocks.
        let Ok(signed) = outbox.recv() else { break };
        let signed = signed?;
        ui.data(&signed.text)?;
        for problem in &signed.problems {
            let _reported = ui.error(problem);
        }
        tally.signed += signed.count;
        tally.refused += u64::try_from(signed.problems.len()).unwrap_or(u64::MAX);
    }
    Ok(tally)
}
