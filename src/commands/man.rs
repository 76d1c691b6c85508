//! `embedctl man`: manual pages for every command.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap_mangen::Man;

use crate::error::{Error, Exit, exit_codes};
use crate::report::Ui;
use crate::system::{System, files};

/// Write a manual page for every command
#[derive(clap::Args, Debug)]
pub(crate) struct ManArgs {
    /// The folder for `embedctl.1` and the other pages; it is created if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn run(
    args: &ManArgs,
    tree: clap::Command,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    let folder = system.path(&args.folder);
    let mut tree = tree.disable_help_subcommand(true);
    tree.build();
    let made = fs::create_dir_all(&folder).map_err(Error::internal);
    made.and_then(|()| write(tree, &folder)).map_err(|error| {
        let folder = args.folder.display();
        error.context(format!("cannot write manual pages into `{folder}`"))
    })?;
    ui.status(format!("Wrote manual pages into {}", args.folder.display()));
    Ok(Exit::Done)
}

/// Write the pages of a command and its subcommands.
fn write(command: clap::Command, folder: &Path) -> Result<(), Error> {
    for below in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        write(below.clone(), folder)?;
    }
    let name = Man::new(command.clone()).get_filename();
    Ok(files::publish(&folder.join(name), &page(command)?)?)
}

/// What every command reads besides its flags. `embedctl help settings` says which source wins.
const ENVIRONMENT: [(&str, &str); 5] = [
    (
        "EMBEDCTL_…",
        "Stands for a flag, as shown in brackets behind it. EMBEDCTL_CONFIG names the settings file.",
    ),
    (
        "LOOKERSDK_BASE_URL, LOOKERSDK_CLIENT_ID, LOOKERSDK_CLIENT_SECRET, LOOKERSDK_EMBED_SECRET",
        "The Looker and the secrets, as the official SDKs name them.",
    ),
    (
        "PGPASSWORD, PGPASSFILE",
        "The password of a ledger in PostgreSQL.",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy to reach Looker through.",
    ),
    ("NO_COLOR, COLUMNS", "How results are shown."),
];

const FILES: [(&str, &str); 4] = [
    (
        "~/.config/embedctl/config.toml",
        "Profiles. `embedctl profile path` prints where this and the files below are.",
    ),
    (
        "looker.ini",
        "The settings file of the official SDKs, in the folder of the command.",
    ),
    ("~/.netrc", "API keys, by host."),
    (
        "~/.local/state/embedctl/",
        "The ledgers: what was done, without secrets. Keep them.",
    ),
];

/// One page.
fn page(command: clap::Command) -> Result<Vec<u8>, Error> {
    let examples = command.get_after_help().map(ToString::to_string);
    let (has_below, has_version) = (command.has_subcommands(), command.get_version().is_some());
    let page = Man::new(command.after_help(""));
    let mut text = Vec::new();
    let mut parts = || {
        page.render_title(&mut text)?;
        page.render_name_section(&mut text)?;
        page.render_synopsis_section(&mut text)?;
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
        if has_below {
            page.render_subcommands_section(&mut text)?;
        }
        table(&mut text, "ENVIRONMENT", ENVIRONMENT)?;
        table(&mut text, "FILES", FILES)?;
        let codes = exit_codes().into_iter();
        let codes = codes.map(|(code, _, meaning)| (code.to_string(), meaning));
        table(&mut text, "EXIT STATUS", codes)?;
        if let Some(examples) = &examples {
            verbatim(&mut text, "EXAMPLES", examples)?;
        }
        // Only the first command has a version.
        match has_version {
            true => page.render_version_section(&mut text),
            false => Ok(()),
        }
    };
    parts().map_err(Error::internal)?;
    Ok(text)
}

/// A section of terms with their explanations.
fn table(
    page: &mut Vec<u8>,
    title: &str,
    rows: impl IntoIterator<Item = (impl AsRef<str>, &'static str)>,
) -> io::Result<()> {
    writeln!(page, ".SH {title}")?;
    for (term, text) in rows {
        writeln!(page, ".TP\n{}\n{}", plain(term.as_ref()), plain(text))?;
    }
    Ok(())
}

/// A section whose lines stay as they are.
fn verbatim(page: &mut Vec<u8>, title: &str, text: &str) -> io::Result<()> {
    writeln!(page, ".SH {title}\n.nf")?;
    let lines = text.lines().filter(|line| *line != "Examples:");
    for line in lines {
        writeln!(page, "{}", plain(line.strip_prefix("  ").unwrap_or(line)))?;
    }
    writeln!(page, ".fi")
}

/// A line that roff takes for nothing but text.
fn plain(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}"),
        false => line,
    }
}
