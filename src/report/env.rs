//! Variables in the format of shells and `.env` files.

use std::fmt;

use zeroize::Zeroizing;

use crate::report::Ui;

impl Ui {
    /// Tell GitHub Actions to mask `secret`. It reads commands on both streams; the result stays clean.
    pub(crate) fn mask(&self, secret: &str) {
        if self.github {
            self.raw(&format!("::add-mask::{secret}\n"));
        }
    }
}

/// A value that a file of variables cannot hold in one line: text after its line break would be read as another variable.
#[derive(Debug)]
pub(crate) struct NoVariable(&'static str);

impl fmt::Display for NoVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the value of `{}` holds a control character, which no variable may",
            self.0
        )
    }
}

/// One line, `NAME=value`. The value is quoted if a shell would change it otherwise.
///
/// # Errors
/// The value contains a line break or another control character.
pub(crate) fn variable(name: &'static str, value: &str) -> Result<Zeroizing<String>, NoVariable> {
    if value.contains(char::is_control) {
        // A line end would let a value set another variable.
        return Err(NoVariable(name));
    }
    let value = quoted(value);
    let mut line = Zeroizing::new(String::with_capacity(name.len() + value.len() + 2));
    line.extend([name, "=", &value, "\n"]);
    Ok(line)
}

/// A value for shells and readers of `.env` files: unquoted if every character is harmless, otherwise in single quotes, or in
/// double quotes if it contains a single quote, which those readers cannot escape.
pub(crate) fn quoted(value: &str) -> Zeroizing<String> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    let mut text = Zeroizing::new(String::with_capacity(2 * value.len() + 2));
    // The most common values stay readable.
    if !value.is_empty() && value.chars().all(harmless) {
        text.push_str(value);
    } else if value.contains('\'') {
        // Inside single quotes nothing can be escaped, so a value with one needs double quotes.
        text.push('"');
        for c in value.chars() {
            if "\"\\$`".contains(c) {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    } else {
        text.extend(["'", value, "'"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn plain_values_stay_as_they_are() {
        assert_eq!(
            *variable("A", "https://acme.looker.com:19999").unwrap(),
            "A=https://acme.looker.com:19999\n"
        );
    }

    #[test]
    fn a_value_that_would_add_a_variable_is_refused() {
        for value in ["a\nPATH=/tmp", "a\rb", "a\0b", "a\u{85}b", "\u{1b}[2J"] {
            assert!(variable("A", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_shell_reads_every_value_back() {
        for value in [
            "",
            "a b",
            "it's",
            "it's \"x\"",
            "$HOME `id` \\",
            "#x",
            "~",
            "*",
            "é",
            "'\"$\\!`",
        ] {
            let script = format!("{}printf %s \"$A\"", *variable("A", value).unwrap());
            let output = Command::new("sh")
                .arg("-c")
                .arg(&script)
                .output()
                .expect("there is a shell");

            assert_eq!(String::from_utf8_lossy(&output.stdout), value, "{script}");
        }
    }
}
