//! `embedctl completions`: the script that lets a shell complete embedctl's command lines.

use clap_complete::env::Shells;

use crate::error::{Error, Exit};
use crate::report::Ui;

/// The variable with which a shell asks the program for completions.
pub(crate) const COMPLETE: &str = "EMBEDCTL_COMPLETE";

/// Print the script that lets a shell complete embedctl's command lines
///
/// Load it when the shell starts: `source <(embedctl completions bash)` in `~/.bashrc`, the same with `zsh` in `~/.zshrc`, or
/// `embedctl completions fish | source` in fish's configuration. The shell then asks embedctl itself, so that profiles
/// are completed too.
#[derive(clap::Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

pub(crate) fn run(args: &CompletionsArgs, ui: &Ui) -> Result<Exit, Error> {
    let name = match args.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Powershell => "powershell",
        Shell::Elvish => "elvish",
    };
    let shells = Shells::builtins();
    let shell = shells
        .completer(name)
        .ok_or_else(|| Error::internal(format!("no completions are known for `{name}`")))?;
    let mut script = Vec::new();
    shell
        .write_registration(COMPLETE, "embedctl", "embedctl", "embedctl", &mut script)
        .map_err(Error::internal)?;
    ui.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
