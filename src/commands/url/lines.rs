//! The work of `embedctl url sign --batch`: a block of lines becomes a block of URLs.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::commands::url::blocks::{Block, CUT, LONGEST_LINE};
use crate::commands::url::embed_path;
use crate::commands::url::row::{self, Row};
use crate::error::Error;
use crate::signed_url::{Login, Signer, UrlBuffer, UrlError, nonces, refuse_id};
use crate::system::{Clock, Random};

/// Shared by all lines.
pub(super) struct Job<'a> {
    pub(super) signer: &'a Signer,
    pub(super) login: &'a Login,
    pub(super) path: Option<&'a str>,
    pub(super) embed_domain: Option<&'a str>,
    pub(super) time: Option<i64>,
    pub(super) json: bool,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

/// The result for a block.
#[derive(Default)]
pub(super) struct Signed {
    /// One line per URL.
    pub(super) text: Zeroizing<String>,
    /// The number of URLs.
    pub(super) count: u64,
    /// The errors of the other lines.
    pub(super) problems: Vec<Error>,
}

impl Job<'_> {
    /// Sign the lines of `block`; empty ones are counted but skipped.
    pub(super) fn sign(&self, block: &Block) -> Result<Signed, Error> {
        let mut signed = Signed::default();
        let mut buffer = UrlBuffer::default();
        let lines = block.lines();
        // One call of the random generator for all nonces of a block: the call is what costs.
        let nonces = nonces(&self.random, lines.len()).map_err(Error::internal)?;
        for ((number, line), nonce) in lines.into_iter().zip(nonces) {
            match self.sign_line(number, line, nonce, &mut buffer, &mut signed.text) {
                Ok(()) => signed.count += 1,
                Err(problem) => signed.problems.push(at_line(number, &problem)),
            }
        }
        Ok(signed)
    }

    fn sign_line(
        &self,
        number: u64,
        line: &[u8],
        nonce: String,
        buffer: &mut UrlBuffer,
        out: &mut String,
    ) -> Result<(), Error> {
        let row = parse(line, self.login)?;
        let path = match row.path {
            Some(path) => embed_path(&path, self.embed_domain)?,
            None => embed_path(self.path.ok_or_else(no_path)?, self.embed_domain)?,
        };
        let nonce = row.nonce.unwrap_or(nonce);
        let now = || self.clock.now().as_second();
        let time = row.time.or(self.time).unwrap_or_else(now);
        let login = row.login;
        refuse_id(&login.external_user_id).map_err(UrlError::UserId)?;
        let url = self.signer.sign_into(buffer, &path, &login, &nonce, time)?;
        self.write(number, &login.external_user_id, url, out);
        Ok(())
    }

    fn write(&self, line: u64, external_user_id: &str, url: &str, out: &mut String) {
        #[derive(Serialize)]
        struct Line<'a> {
            line: u64,
            external_user_id: &'a str,
            url: &'a str,
        }

        if self.json {
            let line = Line {
                line,
                external_user_id,
                url,
            };
            out.push_str(&serde_json::to_string(&line).expect("text and a number are JSON"));
        } else {
            out.push_str(url);
        }
        out.push('\n');
    }
}

/// The same error, prefixed with the number of the line.
fn at_line(number: u64, error: &Error) -> Error {
    let at_line = Error::usage(format!("line {number}: {}", error.message()));
    match error.advice() {
        Some(advice) => at_line.hint(advice),
        None => at_line,
    }
}

fn no_path() -> Error {
    Error::usage("names no `path`")
        .hint("put `path` into the line, or give the path of all lines as an argument")
}

fn parse(line: &[u8], base: &Login) -> Result<Row, Error> {
    if line.first() == Some(&CUT) {
        let message = format!("is longer than {LONGEST_LINE} bytes");
        return Err(Error::usage(message));
    }
    let text = str::from_utf8(line).map_err(|_| Error::usage("is not UTF-8"))?;
    // Some editors start a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    row::read(text, base).map_err(|error| {
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = message.strip_suffix(&place).unwrap_or(&message);
        Error::usage(format!("column {}: {message}", error.column()))
    })
}
