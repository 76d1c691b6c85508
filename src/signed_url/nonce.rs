//! Nonces: random text that makes each signed URL valid for one visit.

use std::io;

use crate::system::Random;

/// The number of random bytes, half the length of the nonce in hex.
const BYTES: usize = 16;

/// A fresh nonce: 32 hex digits, as in URLs created by Looker's API.
pub fn nonce(random: &Random) -> io::Result<String> {
    let mut bytes = [0; BYTES];
    random.fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// `count` fresh nonces with a single call of the random generator, since each call is expensive.
pub fn nonces(random: &Random, count: usize) -> io::Result<Vec<String>> {
    let mut bytes = vec![0; BYTES * count];
    random.fill(&mut bytes)?;
    Ok(bytes.chunks_exact(BYTES).map(hex).collect())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| match value {
        0..10 => b'0' + value,
        _ => b'a' - 10 + value,
    };
    let mut text = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
    String::from_utf8(text).expect("hex digits are ASCII")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test should stop at once")]
mod tests {
    use super::{nonce, nonces};
    use crate::system::Random;

    #[test]
    fn a_nonce_is_32_hex_digits_of_the_given_randomness() {
        let random = Random::from_fn(|bytes| {
            bytes.fill(0xa7);
            Ok(())
        });

        assert_eq!(nonce(&random).unwrap(), "a7".repeat(16));
        assert_eq!(
            nonces(&random, 2).unwrap(),
            ["a7".repeat(16), "a7".repeat(16)]
        );
    }

    #[test]
    fn no_two_nonces_are_equal() {
        let nonces = nonces(&Random::os(), 100).unwrap();

        let different = nonces.iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(different.len(), 100);
    }
}
