//! `~/.netrc`, which may contain an API key for a host.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use crate::secret::SecretString;

/// The login and password of one `machine`.
pub(crate) struct Login {
    pub(crate) login: String,
    pub(crate) password: SecretString,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// The entry of `host` in the netrc file `text`, or its `default`. Unknown text is skipped: the file belongs to other programs
/// too.
pub(crate) fn find(text: &str, host: &str) -> Option<Login> {
    let mut tokens = Tokens(text.chars().peekable());
    let mut here = false;
    let (mut login, mut password) = (None, None);
    while let Some(token) = tokens.next() {
        match token.as_str() {
            "machine" | "default" => {
                if login.is_some() && password.is_some() {
                    break;
                }
                (login, password) = (None, None);
                here = token == "default"
                    || tokens
                        .next()
                        .is_some_and(|name| name.eq_ignore_ascii_case(host));
            }
            "login" => login = tokens.next().filter(|_| here),
            "password" => password = tokens.next().filter(|_| here),
            "account" => drop(tokens.next()),
            "macdef" => tokens.skip_macro(),
            _ => {}
        }
    }
    Some(Login {
        login: login?,
        password: SecretString::from(password?),
    })
}

/// The words of a netrc file: quotes group a word, a backslash escapes the next character.
struct Tokens<'a>(Peekable<Chars<'a>>);

impl Tokens<'_> {
    fn next(&mut self) -> Option<String> {
        loop {
            while self
                .0
                .next_if(|character| character.is_whitespace())
                .is_some()
            {}
            if self.0.peek() != Some(&'#') {
                break;
            }
            while self.0.next_if(|character| *character != '\n').is_some() {}
        }
        self.0.peek()?;
        let quoted = self.0.next_if_eq(&'"').is_some();
        let mut token = String::new();
        while let Some(character) = self
            .0
            .next_if(|character| quoted || !character.is_whitespace())
        {
            match character {
                '"' if quoted => break,
                '\\' => token.extend(self.0.next()),
                _ => token.push(character),
            }
        }
        Some(token)
    }

    /// Skip a macro, which ends with an empty line.
    fn skip_macro(&mut self) {
        let mut last = ' ';
        for character in self.0.by_ref() {
            if character == '\n' && last == '\n' {
                return;
            }
            last = character;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::survives;
    use crate::secret::ExposeSecret as _;

    fn read(text: &str, host: &str) -> Option<(String, String)> {
        find(text, host).map(|found| (found.login, found.password.expose_secret().to_owned()))
    }

    fn pair(login: &str, password: &str) -> Option<(String, String)> {
        Some((login.to_owned(), password.to_owned()))
    }

    #[test]
    fn the_machine_is_found_among_others() {
        let text = "machine github.com login me password no\n# acme\nmachine acme.looker.com\n  login id\n  account x\n  \
                    password \"with \\\" and space\"\nmachine other login a password b\n";

        assert_eq!(
            read(text, "acme.looker.com"),
            pair("id", "with \" and space")
        );
        assert_eq!(read(text, "other"), pair("a", "b"));
        assert_eq!(read(text, "none"), None);
    }

    #[test]
    fn the_default_is_for_every_other_machine() {
        let text = "machine a login x password y default login id password secret";

        assert_eq!(read(text, "b"), pair("id", "secret"));
        assert_eq!(read(text, "a"), pair("x", "y"));
    }

    #[test]
    fn macros_and_half_entries_are_passed_over() {
        let text = "macdef init\nmachine a login no password no\n\nmachine a login half\nmachine a login id password secret";

        assert_eq!(read(text, "a"), pair("id", "secret"));
    }

    #[test]
    fn no_netrc_makes_the_reader_panic_hang_or_grow() {
        let seed = "machine acme.looker.com\n  login abc\n  password \"x y\"\nmacdef init\n  ls\n\ndefault login d password e\n";
        survives(&[seed], |input| {
            let _found = find(&String::from_utf8_lossy(input), "acme.looker.com").is_some();
        });
    }
}
