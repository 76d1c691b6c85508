//! The pages of help: commands in groups on the first one, and examples on each.

use std::fmt::Write as _;

use clap::Command;
use clap::builder::StyledStr;

use crate::report::wrapped;

/// For each page its examples; the form is explained at its top.
const EXAMPLES: &str = include_str!("examples.txt");

/// The groups of the first page, each with its commands.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Users",
        &[
            "create-user",
            "apply",
            "plan",
            "export",
            "rotate-id",
            "users",
        ],
    ),
    ("Keys and tokens", &["keys", "token"]),
    ("Runs", &["runs", "work", "ledger"]),
    ("Looker", &["doctor", "url", "api", "emulator"]),
    ("Setup", &["profile", "completions", "man", "help"]),
];

/// The tree of commands with its pages complete.
pub(super) fn complete(tree: Command, width: usize) -> Command {
    grouped(with_examples(tree, "embedctl"), width)
}

/// The command called `name` and all below it, with their examples.
fn with_examples(command: Command, name: &str) -> Command {
    let command = command.mut_subcommands(|below| {
        let name = match name {
            "embedctl" => below.get_name().to_owned(),
            name => format!("{name} {}", below.get_name()),
        };
        with_examples(below, &name)
    });
    let Some(examples) = examples(name) else {
        return command;
    };
    let header = *command.get_styles().get_header();
    let mut text = StyledStr::new();
    let _written = write!(text, "{header}Examples:{header:#}");
    for line in examples.lines().map(str::trim_start) {
        let about = match line.starts_with("embedctl ") {
            true => "",
            false => "# ",
        };
        let _written = write!(text, "\n  {about}{line}");
    }
    if let Some(more) = command.get_after_help() {
        let _written = write!(text, "\n\n{}", more.ansi());
    }
    command.after_help(text)
}

/// The lines below the name of a page.
fn examples(page: &str) -> Option<&'static str> {
    let mut pages = EXAMPLES.split("\n\n").skip(1);
    pages
        .find_map(|it| it.split_once('\n').filter(|(name, _)| *name == page))
        .map(|(_, lines)| lines)
}

/// The first page with its commands in groups, for which clap has no form.
fn grouped(tree: Command, width: usize) -> Command {
    let styles = tree.get_styles();
    let (header, literal) = (*styles.get_header(), *styles.get_literal());
    let widest = tree.get_subcommands().map(|below| below.get_name().len());
    let widest = widest.max().unwrap_or_default();
    let mut text = StyledStr::new();
    let about = tree
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let about = wrapped(&about, "", width);
    let _written = write!(text, "{about}\n{{usage-heading}} {{usage}}\n\n");
    for (group, names) in GROUPS {
        let _written = writeln!(text, "{header}{group}:{header:#}");
        for below in names.iter().filter_map(|name| tree.find_subcommand(name)) {
            let (name, about) = (below.get_name(), below.get_about());
            let about = about.map(ToString::to_string).unwrap_or_default();
            let first = format!("  {name:widest$}  ");
            let lines = wrapped(&about, &first, width);
            // Styles take no columns, so they come when the lines are there.
            let _written = write!(
                text,
                "  {literal}{name}{literal:#}{}",
                lines.get(2 + name.len()..).unwrap_or_default()
            );
        }
        let _written = writeln!(text);
    }
    let _written = write!(
        text,
        "{header}Shared options (variables in brackets):{header:#}\n{{options}}{{after-help}}"
    );
    tree.help_template(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::GROUPS;
    use crate::cli::Cli;

    #[test]
    fn each_command_is_in_one_group() {
        let tree = Cli::command();
        let shown = tree.get_subcommands().filter(|it| !it.is_hide_set());
        let shown: BTreeSet<_> = shown.map(clap::Command::get_name).collect();

        let grouped: Vec<_> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();

        assert_eq!(grouped.len(), shown.len());
        assert_eq!(grouped.into_iter().collect::<BTreeSet<_>>(), shown);
    }
}
