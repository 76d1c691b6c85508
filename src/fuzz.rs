//! Fuzzing for the unit tests of all parsers of foreign text: valid inputs, damaged at random.
//!
//! A reader may refuse an input in any way it likes, but it must come back, without a panic and within bounded memory.
//! The inputs are the same in every run. `EMBEDCTL_FUZZ_INPUTS`, set when the tests are built, says how many
//! each reader gets, for a longer run by hand.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How many inputs each reader gets, unless the variable says otherwise.
const INPUTS: u64 = 2_500;

/// How long one reader may take for all of its inputs before the test says that it hangs. Far above what any needs.
const PATIENCE: Duration = Duration::from_secs(600);

/// The most memory the test process may ever have held, in KiB. All readers and all other unit tests share it.
const MEMORY_KIB: u64 = 1_500_000;

/// Fragments to insert: those with a meaning in our grammars, and those that text decoders stumble over.
const PIECES: [&str; 44] = [
    "\"",
    "'",
    "`",
    ",",
    ";",
    ":",
    "=",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{200b}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "é",
    "\u{301}",
    "😀",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "!!x ",
    "|\n",
    "- ",
    "#",
    "\\",
    "\\u0000",
    "\\ud800",
    "%",
    "%00",
    "%ff",
    "null",
    "true",
    "-0",
    "1e999",
    "99999999999999999999",
    "../",
    "\u{1b}[31m",
    "NaN",
];

/// See that `read` comes back from each of the inputs made of `seeds`.
pub(crate) fn survives(seeds: &[&str], read: impl Fn(&[u8]) + Send + 'static) {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let count = option_env!("EMBEDCTL_FUZZ_INPUTS");
    let count = count.map_or(INPUTS, |count| count.parse().expect("a number of inputs"));
    let (done, waiting) = mpsc::channel();
    let reader = thread::spawn(move || {
        for number in 0..count {
            let input = broken(&seeds, number);
            let read = AssertUnwindSafe(|| read(&input));
            if let Err(panic) = catch_unwind(read) {
                let shown = String::from_utf8_lossy(&input);
                panic!("{}, on input {number}: {shown:?}", words(&*panic));
            }
            // The receiver is gone once the time limit has passed.
            let _unheard = done.send(number).is_err();
        }
    });
    let mut last = None;
    loop {
        match waiting.recv_timeout(PATIENCE) {
            Ok(number) => last = Some(number),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("the reader hangs on the input after {last:?}")
            }
        }
    }
    if let Err(panic) = reader.join() {
        resume_unwind(panic);
    }
    assert_eq!(last, count.checked_sub(1), "every input was read");
    assert!(peak_kib() < MEMORY_KIB, "{} KiB", peak_kib());
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
}

/// The most memory this process has held; 0 where the system does not say.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse().ok()).unwrap_or(0)
}

/// Input `number`: a seed with a few changes.
fn broken(seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut random = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut input = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6) {
        change(&mut input, seeds, &mut random);
    }
    // Larger inputs are tested with streams.
    input.truncate(1 << 18);
    input
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Numbers) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(40)).min(input.len());
    match random.below(10) {
        0 => input.truncate(at),
        1 => drop(input.drain(at..end)),
        2 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        3..=5 => {
            let piece = PIECES[random.below(PIECES.len())];
            input.splice(at..at, piece.bytes());
        }
        6 => {
            let piece = PIECES[random.below(PIECES.len())].repeat(1 << random.below(13));
            input.splice(at..at, piece.bytes());
        }
        7 => {
            let part = input[at..end].repeat(1 + random.below(60));
            input.splice(at..at, part);
        }
        8 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            input.splice(at..end, other[from..].iter().copied());
        }
        _ => {
            let byte = u8::try_from(random.below(256)).expect("below 256");
            input.insert(at, byte);
        }
    }
}

/// Numbers that look random and are the same for the same start: SplitMix64 (Steele, Lea and Flood, 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a length fits");
        usize::try_from(self.next() % end).expect("below a length")
    }
}

#[test]
#[should_panic(expected = "it cannot be read")]
fn a_reader_that_panics_is_found() {
    survives(&["a,b"], |input| {
        assert!(!input.contains(&b'{'), "it cannot be read");
    });
}
