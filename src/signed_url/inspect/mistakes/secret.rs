//! Mistakes with the embed secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::Algorithm;
use crate::signed_url::inspect::attempt::Attempt;
use crate::signed_url::inspect::mistakes::Mistake;

/// A mistake: its name, what was done, and what to do.
type Words = (&'static str, &'static str, &'static str);

const DECODED: &str = "use the text of the secret as it is: its ASCII characters are the key";
const AROUND: Words = (
    "secret_trailing_newline",
    "the embed secret was used with a line break, a space or a byte order mark around it",
    "trim what is read from the file or variable with the secret",
);
const QUOTED: Words = (
    "secret_quoted",
    "the embed secret was used with the quotes that it stands in",
    "take the quotes off: Docker's `--env-file` and some loaders of `.env` keep them",
);
const CASE: Words = (
    "secret_case",
    "the embed secret was used in another case",
    "use the secret as Looker shows it",
);

/// What stands around a secret that was used as it was found.
const ENDS: [(Words, &str, &str); 10] = [
    (AROUND, "", "\n"),
    (AROUND, "", "\r\n"),
    (AROUND, "", " "),
    (AROUND, "", "\r"),
    (AROUND, "", "\t"),
    (AROUND, " ", ""),
    (AROUND, " ", " "),
    (AROUND, "\u{feff}", ""),
    (QUOTED, "\"", "\""),
    (QUOTED, "'", "'"),
];

pub(super) fn mistakes(right: &Attempt, others: &[(&'static str, SecretString)]) -> Vec<Mistake> {
    let secret = right.secret.as_slice();
    let mut mistakes = vec![other_algorithm(right.algorithm)];
    let decoded = [
        ("secret_hex_decoded", "hex", from_hex(secret)),
        (
            "secret_base64_decoded",
            "base64",
            STANDARD.decode(secret).ok(),
        ),
    ];
    for (name, what, bytes) in decoded {
        let message =
            format!("the embed secret was decoded from {what} before it was used as the key");
        mistakes.extend(bytes.map(|bytes| another((name, &message, DECODED), &bytes)));
    }
    for (words, start, end) in ENDS {
        mistakes.push(another(
            words,
            &[start.as_bytes(), secret, end.as_bytes()].concat(),
        ));
    }
    for (what, other) in others {
        let message = format!("the URL was signed with {what} instead of the embed secret");
        let fix = "sign with the embed secret: Admin > Platform > Embed";
        let words = ("secret_of_another_kind", &*message, fix);
        mistakes.push(another(words, other.expose_secret().as_bytes()));
    }
    for other in [secret.to_ascii_uppercase(), secret.to_ascii_lowercase()] {
        mistakes.push(another(CASE, &other));
    }
    let trimmed = (
        "secret_trimmed",
        "the embed secret in embedctl's settings has surrounding spaces or line breaks, the signer's has none",
        "store the secret in embedctl's settings without them",
    );
    mistakes.push(another(trimmed, secret.trim_ascii()));
    mistakes
}

/// The algorithm belongs to the secret, so one of the two settings is wrong.
fn other_algorithm(right: Algorithm) -> Mistake {
    let other = right.other();
    Mistake::new(
        "other_algorithm",
        format!(
            "the signature was made with HMAC-{other}, and the embed secret is set up as {right}"
        ),
        format!(
            "if Looker made the secret for {right}, sign with that; if for {other}, set `--embed-algorithm {other}`"
        ),
        move |attempt| attempt.algorithm = other,
    )
}

fn another((name, message, fix): (&'static str, &str, &str), secret: &[u8]) -> Mistake {
    let secret = zeroize::Zeroizing::new(secret.to_vec());
    Mistake::new(name, message, fix, move |attempt| {
        attempt.secret = secret.clone();
    })
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
            _ => None,
        })
        .collect()
}
