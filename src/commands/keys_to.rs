//! Where keys go: one sink or several, as typed or as a run records them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::commands::context::CommandContext;
use crate::config::Settings;
use crate::error::Error;
use crate::sink::{self, STDOUT};
use crate::system::System;

/// The flags that name sinks.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct SinkArgs {
    /// The sink for secrets: stdout, file:PATH, dir:PATH, env:PATH, exec:COMMAND, gcp:PROJECT/NAME, vault:MOUNT/PATH, aws:REGION/NAME; may be repeated
    #[arg(long, value_name = "SINK")]
    pub(crate) keys_to: Vec<String>,

    /// Take over secrets of a store that embedctl did not create; their present values stay as earlier versions
    #[arg(long)]
    pub(crate) adopt: bool,
}

/// The flag that names the sinks of a run again.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ResumeSinkArgs {
    /// The sinks for its keys, again: of `exec:COMMAND` the ledger keeps only the program
    #[arg(long, value_name = "SINK")]
    keys_to: Vec<String>,
}

impl ResumeSinkArgs {
    /// As for a new run.
    pub(crate) fn given(&self) -> SinkArgs {
        SinkArgs::of(&self.keys_to)
    }
}

impl SinkArgs {
    /// These sinks, of which nothing is taken over.
    pub(crate) fn of(keys_to: &[String]) -> Self {
        Self {
            keys_to: keys_to.to_vec(),
            adopt: false,
        }
    }
}

/// The sinks of a command or of a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "Form", into = "Form")]
pub(crate) struct KeysTo {
    sinks: Vec<String>,
    /// Whether secrets are taken over that embedctl did not create.
    pub(crate) adopt: bool,
}

/// How runs record it: a text in the usual case, which is all that earlier releases knew.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Form {
    One(String),
    Several(Vec<String>),
    All { sinks: Vec<String>, adopt: bool },
}

impl From<Form> for KeysTo {
    fn from(form: Form) -> Self {
        let (sinks, adopt) = match form {
            Form::One(sink) => (vec![sink], false),
            Form::Several(sinks) => (sinks, false),
            Form::All { sinks, adopt } => (sinks, adopt),
        };
        Self { sinks, adopt }
    }
}

impl From<KeysTo> for Form {
    fn from(KeysTo { mut sinks, adopt }: KeysTo) -> Self {
        match (sinks.len(), adopt) {
            (_, true) => Self::All { sinks, adopt },
            (1, false) => Self::One(sinks.remove(0)),
            (_, false) => Self::Several(sinks),
        }
    }
}

impl fmt::Display for KeysTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sinks.join("`, `"))
    }
}

impl KeysTo {
    /// The sinks as typed: from the flags, the settings, or standard output.
    pub(crate) fn choose(args: &SinkArgs, settings: &Settings) -> Self {
        let SinkArgs { keys_to, adopt } = args;
        let usual = || vec![settings.keys_to().unwrap_or(STDOUT).to_owned()];
        let given = Some(keys_to.clone()).filter(|given| !given.is_empty());
        Self {
            sinks: given.unwrap_or_else(usual),
            adopt: *adopt,
        }
    }

    /// Each of them.
    pub(crate) fn sinks(&self) -> &[String] {
        &self.sinks
    }

    /// Whether keys are printed with the result.
    pub(crate) fn prints(&self) -> bool {
        self.sinks == [STDOUT]
    }

    /// Refuse sinks that cannot be used together.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let prints = self.sinks.iter().any(|sink| sink == STDOUT);
        if prints && self.sinks.len() > 1 {
            return Err(
                Error::usage("`--keys-to stdout` goes with no other sink").hint(
                    "what was printed cannot be taken back if the other one fails; leave it out",
                ),
            );
        }
        for (at, sink) in self.sinks.iter().enumerate() {
            if self.sinks.iter().take(at).any(|other| other == sink) {
                return Err(Error::usage(format!("`--keys-to {sink}` was given twice"))
                    .hint("give it once"));
            }
        }
        Ok(())
    }

    /// Whether a command is among them, of which a run records only the program.
    pub(crate) fn has_command(&self) -> bool {
        self.sinks.iter().any(|sink| sink.starts_with("exec:"))
    }

    /// The form that is recorded: of a command only its program, since its arguments may be secret; of a path the absolute one,
    /// since a run may be continued from another folder.
    pub(crate) fn recorded(&self, system: &System) -> Self {
        let sinks = self.sinks.iter().map(|sink| recorded(sink, system));
        Self {
            sinks: sinks.collect(),
            adopt: self.adopt,
        }
    }

    /// The sinks of a run that recorded these and is continued: as recorded, or as `given` again if the record is incomplete.
    pub(crate) fn again(&self, given: &SinkArgs, cx: &CommandContext) -> Result<Self, Error> {
        let is_command = |sink: &&String| sink.starts_with("exec:");
        let wants = self.has_command();
        let mut known = given.keys_to.clone();
        if known.is_empty() && wants {
            known.extend(cx.settings.keys_to().map(str::to_owned));
        }
        let adopt = self.adopt || given.adopt;
        if known.is_empty() && !wants {
            return Ok(Self {
                adopt,
                ..self.clone()
            });
        }
        let recorded = known.iter().map(|sink| recorded(sink, &cx.system));
        let recorded: Vec<_> = recorded.collect();
        if recorded == self.sinks {
            return Ok(Self {
                sinks: known,
                adopt,
            });
        }
        // A command alone has to be given again; the others are known.
        let commands: Vec<_> = self.sinks.iter().filter(is_command).cloned().collect();
        if wants && recorded == commands {
            let mut typed = known.into_iter();
            let sinks = self.sinks.iter().map(|sink| match is_command(&sink) {
                true => typed.next().unwrap_or_else(|| sink.clone()),
                false => sink.clone(),
            });
            let sinks = sinks.collect();
            return Ok(Self { sinks, adopt });
        }
        Err(match wants {
            false => Error::usage(format!(
                "the run delivers its keys to `{self}`, and not elsewhere"
            ))
            .hint("leave `--keys-to` out"),
            true => Error::usage(format!(
                "the run delivers its keys to `{self}`, whose arguments are not kept"
            ))
            .hint("run `embedctl runs resume` with the same `--keys-to exec:COMMAND` again"),
        })
    }
}

fn recorded(sink: &str, system: &System) -> String {
    match sink.split_once(':') {
        Some(("exec", command)) => sink::exec_name(command),
        Some((kind @ ("file" | "dir" | "env"), path)) => {
            let path = system.path(path);
            // A process may be in a folder that is gone; then the path is as good as it was typed.
            let path = std::path::absolute(&path).unwrap_or(path);
            format!("{kind}:{}", path.display())
        }
        _ => sink.to_owned(),
    }
}
