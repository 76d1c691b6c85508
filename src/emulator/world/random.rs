//! Random text: from the system, or the same in every run with the same seed.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::system::Random;

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Where the ids, secrets and tokens of a world come from.
#[derive(Clone, Debug)]
pub(crate) struct Source(Random);

impl Source {
    /// `random`, or a sequence that follows from `seed` alone.
    pub(crate) fn new(random: Random, seed: Option<u64>) -> Self {
        Self(seed.map_or(random, seeded))
    }

    /// `length` random letters and digits.
    pub(crate) fn alphanumeric(&self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let mut bytes = [0; 64];
            self.fill(&mut bytes);
            // 62 is no divisor of 256, so bytes above the last whole multiple are thrown away.
            let letters = bytes.iter().filter(|byte| **byte < 248).filter_map(|byte| {
                ALPHANUMERIC
                    .get(usize::from(byte % 62))
                    .copied()
                    .map(char::from)
            });
            let missing = length - text.len();
            text.extend(letters.take(missing));
        }
        text
    }

    /// `length` random hexadecimal digits.
    pub(crate) fn hex(&self, length: usize) -> String {
        let mut bytes = vec![0; length.div_ceil(2)];
        self.fill(&mut bytes);
        let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(length);
        text
    }

    /// A random number.
    pub(crate) fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.0
            .fill(bytes)
            .expect("a local Looker runs where there is randomness");
    }
}

/// The SplitMix64 sequence that starts at `seed`: reproducible, and good for nothing secret.
fn seeded(seed: u64) -> Random {
    let state = Mutex::new(seed);
    Random::from_fn(move |bytes| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
            for (byte, random) in chunk.iter_mut().zip(mixed.to_le_bytes()) {
                *byte = random;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::Source;
    use crate::system::Random;

    #[test]
    fn the_same_seed_gives_the_same_text() {
        let text = || Source::new(Random::os(), Some(7)).alphanumeric(40);

        assert_eq!(text(), text());
        assert_ne!(text(), Source::new(Random::os(), Some(8)).alphanumeric(40));
    }

    #[test]
    fn text_has_the_length_asked_for() {
        let source = Source::new(Random::os(), None);

        assert_eq!(source.alphanumeric(300).len(), 300);
        assert_eq!(source.hex(31).len(), 31);
    }
}
