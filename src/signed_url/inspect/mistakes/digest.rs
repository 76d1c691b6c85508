//! Mistakes between the digest and the signature in the URL.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::signed_url::encode::percent_encoded;
use crate::signed_url::inspect::mistakes::Mistake;

/// White space, as the string functions of most languages strip it.
const SPACE: [u8; 7] = [b'\t', b'\n', 0x0b, 0x0c, b'\r', b' ', 0];

const STANDARD_FORM: &str =
    "write the raw digest as standard base64 with its padding, then percent-encode it";

pub(super) fn mistakes() -> Vec<Mistake> {
    let mut mistakes = of_base64();
    mistakes.extend(of_raw_bytes());
    mistakes
}

fn of_base64() -> Vec<Mistake> {
    let encode = "percent-encode the signature, so that `+` becomes `%2B`, `/` `%2F` and `=` `%3D`";
    vec![
        form(
            "signature_plus_not_encoded",
            "the `+` in the signature is not percent-encoded, and arrives as a space",
            encode,
            |digest| STANDARD.encode(digest).replace('+', " "),
        ),
        form(
            "signature_encoded_twice",
            "the signature is percent-encoded twice",
            "percent-encode the signature once",
            |digest| percent_encoded(&STANDARD.encode(digest)),
        ),
        form(
            "signature_line_break",
            "the signature has a line break behind it",
            "encode to base64 without line breaks",
            |digest| STANDARD.encode(digest) + "\n",
        ),
        form(
            "signature_unpadded",
            "the signature lacks the `=` at its end",
            STANDARD_FORM,
            |digest| STANDARD_NO_PAD.encode(digest),
        ),
        form(
            "signature_url_safe",
            "the signature is in the URL-safe alphabet of base64",
            STANDARD_FORM,
            |digest| URL_SAFE.encode(digest),
        ),
        form(
            "signature_url_safe",
            "the signature is in the URL-safe alphabet of base64, without padding",
            STANDARD_FORM,
            |digest| URL_SAFE_NO_PAD.encode(digest),
        ),
    ]
}

fn of_raw_bytes() -> Vec<Mistake> {
    let strip =
        "take the raw bytes of the digest as they are: some of them may look like white space";
    vec![
        form(
            "signature_hex",
            "the signature is the digest in hex",
            STANDARD_FORM,
            hex,
        ),
        form(
            "signature_hex",
            "the signature is base64 of the digest in hex",
            STANDARD_FORM,
            |digest| STANDARD.encode(hex(digest)),
        ),
        form(
            "digest_stripped",
            "white space was stripped from the raw digest before it was encoded",
            strip,
            |digest| STANDARD.encode(stripped(digest, true)),
        ),
        form(
            "digest_stripped",
            "white space was stripped from the end of the raw digest before it was encoded",
            strip,
            |digest| STANDARD.encode(stripped(digest, false)),
        ),
    ]
}

fn form(name: &'static str, message: &str, fix: &str, form: fn(&[u8]) -> String) -> Mistake {
    Mistake::new(name, message, fix, move |attempt| attempt.form = form)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn stripped(mut digest: &[u8], both_ends: bool) -> &[u8] {
    while let Some((last, rest)) = digest.split_last()
        && SPACE.contains(last)
    {
        digest = rest;
    }
    while both_ends
        && let Some((first, rest)) = digest.split_first()
        && SPACE.contains(first)
    {
        digest = rest;
    }
    digest
}
