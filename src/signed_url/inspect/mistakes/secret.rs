//! Mistakes with the embed secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::signed_url::Algorithm;
use crate::signed_url::inspect::attempt::Attempt;
use crate::signed_url::inspect::mistakes::Mistake;

pub(super) fn mistakes(right: &Attempt) -> Vec<Mistake> {
    let mut mistakes = vec![other_algorithm(right.algorithm)];
    if let Some(bytes) = from_hex(&right.secret) {
        mistakes.push(another(
            "secret_hex_decoded",
            "the embed secret was decoded from hex before it was used as the key",
            "use the text of the secret as it is: its ASCII characters are the key",
            &bytes,
        ));
    }
    if let Ok(bytes) = STANDARD.decode(right.secret.as_slice()) {
        mistakes.push(another(
            "secret_base64_decoded",
            "the embed secret was decoded from base64 before it was used as the key",
            "use the text of the secret as it is: its ASCII characters are the key",
            &bytes,
        ));
    }
    for end in ["\n", "\r\n", " "] {
        mistakes.push(another(
            "secret_trailing_newline",
            "the embed secret was used with a trailing line break or space",
            "trim what is read from the file or variable with the secret",
            &[right.secret.as_slice(), end.as_bytes()].concat(),
        ));
    }
    for quote in ["\"", "'"] {
        mistakes.push(another(
            "secret_quoted",
            "the embed secret was used with the quotes that it stands in",
            "take the quotes off: Docker's `--env-file` and some loaders of `.env` keep them",
            &[quote.as_bytes(), right.secret.as_slice(), quote.as_bytes()].concat(),
        ));
    }
    mistakes.push(another(
        "secret_trimmed",
        "the embed secret in embedctl's settings has surrounding spaces or line breaks, the signer's has none",
        "store the secret in embedctl's settings without them",
        right.secret.trim_ascii(),
    ));
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

fn another(name: &'static str, message: &str, fix: &str, secret: &[u8]) -> Mistake {
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
